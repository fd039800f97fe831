"""A stand-in for Cloudflare's API.

A route has two states that can be written, advertised and withdrawn, so the suite begins with one of them; what is
neither of both is tested in test_cloudflare_byoip.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from incidents.adapters.cloudflare_byoip import CloudflareByoip
from incidents.domain.changes import State
from tests.adapters.subjects import Subject
from tests.adapters.support import read_reference
from tests.fakes.cloudflare import ACCOUNT, TOKEN, FakeCloudflare

VARIANTS = ("whole prefixes", "parts of a prefix")

WITHDRAWN: State = {"advertised": False, "asn": 64496, "prepend": 0}
ADVERTISED: State = {**WITHDRAWN, "advertised": True}


def byoip(
    url: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> CloudflareByoip:
    """Of `settings` at least `token` is needed: a reference to a file."""
    return CloudflareByoip.from_settings(
        name="cloudflare",
        settings={"account": ACCOUNT, "url": url, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def token_in(directory: Path) -> Mapping[str, object]:
    """The setting for a file with the token that the stand-in wants."""
    path = directory / "token"
    path.write_text(TOKEN)
    return {"token": f"file:{path}"}


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    fake = FakeCloudflare().__enter__()
    request.addfinalizer(lambda: fake.__exit__(None, None, None))
    if variant == "whole prefixes":
        keys = ("203.0.113.0/24", "198.51.100.0/24")
        for key in keys:
            fake.add(key)
    else:
        keys = ("2001:db8:100::/48", "2001:db8:200::/48")
        fake.add("2001:db8::/32", "2001:db8::/32", *keys)
    return Subject(
        address=fake.web.address,
        keys=keys,
        states=(ADVERTISED, WITHDRAWN),
        nothing=WITHDRAWN,
        make=lambda address, *rest: byoip(f"http://{address}/client/v4", *rest),
        settings=token_in(request.getfixturevalue("tmp_path")),
        effects=lambda: fake.changes,
    )
