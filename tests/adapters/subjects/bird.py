"""A real bird without neighbours."""

from __future__ import annotations

import pytest

from tests.adapters.birds import Router, bird
from tests.adapters.subjects import Subject
from tests.adapters.support import ABSENT, ROUTE
from tests.fakes.sockets import UnixPeer, closed_path

VARIANTS = ("IPv4", "IPv6")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    router: Router = request.getfixturevalue("bird_router")
    if variant == "IPv4":
        keys = ("203.0.113.0/24", "198.51.100.0/24")
        one, other = ROUTE, {**ROUTE, "as_path": [64496, 64496], "local_pref": 120}
    else:
        keys = ("2001:db8:100::/48", "2001:db8:200::/48")
        one, other = {**ROUTE, "next_hop": "2001:db8::1"}, {**ROUTE, "next_hop": "2001:db8::2", "med": 5}
    return Subject(
        address=router.socket,
        keys=keys,
        states=(one, other),
        nothing=ABSENT,
        make=bird,
        settings=router.settings,
        effects=router.reconfigured,
        compares=True,
        peer=UnixPeer,
        closed=closed_path,
    )
