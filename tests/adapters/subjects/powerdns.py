"""A real PowerDNS. A set that is not there may be seen and never asked for, so the suite begins with a third one."""

from __future__ import annotations

import pytest

from incidents.domain.changes import State
from tests.adapters.pdnses import Pdns, powerdns
from tests.adapters.subjects import Subject

VARIANTS = ("one zone", "two zones")

FIRST: State = {"type": "A", "ttl": 300, "records": ["192.0.2.1", "192.0.2.2"]}
SECOND: State = {"type": "A", "ttl": 60, "records": ["192.0.2.3"], "disabled": ["192.0.2.4"]}
OTHERWISE: State = {"type": "A", "ttl": 0, "records": ["198.51.100.1"]}


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    pdns: Pdns = request.getfixturevalue("pdns")
    one, two = "suite.example.", "suite.example." if variant == "one zone" else "_second.example."
    for zone in {one, two}:
        pdns.zone(zone)
    return Subject(
        address=pdns.address,
        keys=(f"{one}/{one}/A", f"{two}/*.shop.{two}/A"),
        states=(FIRST, SECOND),
        nothing=OTHERWISE,
        make=powerdns,
        settings=pdns.settings,
        effects=lambda: sum(pdns.serial(zone) for zone in {one, two}),
        compares=True,
    )
