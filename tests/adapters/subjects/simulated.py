"""A backend of the lab's world."""

from __future__ import annotations

import pytest

from incidents.domain.changes import State
from incidents.lab.lab import Lab
from tests.adapters.subjects import Subject
from tests.adapters.support import applied, simulated

VARIANTS = ("world",)


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    return registry_of(request.getfixturevalue("world"))


def registry_of(lab: Lab) -> Subject:
    facts = lab.facts()
    one: State = {"bound": True, "service": "edge-cdn"}
    other: State = {"bound": True, "service": "other"}
    return Subject(
        address=facts["world"]["address"],
        keys=("edge-a/203.0.113.0/24", "edge-b/203.0.113.0/24"),
        states=(one, other),
        nothing={"bound": False},
        make=simulated,
        settings={"token": f"file:{lab.directory}/passwords/registry-token"},
        effects=lambda: len(applied(lab)),
    )
