"""The example of docs/, as a process of its own: with one secret, and with two while one takes over."""

from __future__ import annotations

import pytest

from tests.adapters.hooks import OTHER, SECRET, example, hook, secret_in
from tests.adapters.subjects import Subject

VARIANTS = ("one secret", "two secrets")
KEYS = ("plans/shop", "plans/höfe")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    directory = request.getfixturevalue("tmp_path")
    nothing = {"plan": "none"}
    # The hook has the old secret still, and Handrail the new one as well.
    ours = (SECRET,) if variant == "one secret" else (OTHER, SECRET)
    started = example(directory, dict.fromkeys(KEYS, nothing), SECRET)
    running = started.__enter__()
    request.addfinalizer(lambda: started.__exit__(None, None, None))
    return Subject(
        address=running.address,
        keys=KEYS,
        states=({"plan": "gold", "seats": 40, "parts": ["web", {"name": "Läden"}]}, {"plan": "gold", "seats": None}),
        nothing=nothing,
        make=lambda address, *rest: hook(f"http://{address}/", *rest),
        settings=secret_in(directory, *ours),
        effects=lambda: len(running.history()),
        compares=True,
    )
