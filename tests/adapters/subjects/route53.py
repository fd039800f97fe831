"""Moto's server: weighted record sets, simple ones, and aliases; each test in zones of its own.

A test begins with what another hand has put there, for moto takes the same CREATE of a zone only once.
"""

from __future__ import annotations

from typing import Any

import pytest

from incidents.domain.changes import State
from tests.adapters.motos import keys_in, route53
from tests.adapters.subjects import Subject

VARIANTS = ("weighted", "simple", "alias")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    moto = request.getfixturevalue("moto_server")
    # Moto deletes by the name of a member whatever its record set, so members of one name stand in two zones.
    zones = moto.zone(), moto.zone()
    records, states = {"weighted": _weighted, "simple": _simple, "alias": _alias}[variant]()
    for zone in zones:
        moto.put(zone, *records)
    return Subject(
        address=moto.address,
        keys=(f"{zones[0]}/www.example.com./A", f"{zones[1]}/www.example.com./A"),
        states=(states[1], states[2]),
        nothing=states[0],
        make=route53,
        settings=keys_in(request.getfixturevalue("tmp_path")),
        effects=lambda: sum(moto.changes(zone) for zone in zones),
        compares=True,
    )


def record(**more: Any) -> dict[str, Any]:
    """As botocore writes it."""
    return {"Name": "www.example.com.", "Type": "A", **more}


def member(id: str, weight: int, *records: str, **more: Any) -> dict[str, Any]:
    """As the adapter writes it."""
    return {"id": id, "weight": weight, "ttl": 60, "records": list(records), "health_check": "", **more}


def weighted(*members: dict[str, Any]) -> State:
    return {"type": "A", "members": list(members)}


def _weighted() -> tuple[list[dict[str, Any]], list[State]]:
    records = [
        record(SetIdentifier=name, Weight=weight, TTL=60, ResourceRecords=[{"Value": address}])
        for name, weight, address in (("eu", 50, "192.0.2.1"), ("us", 50, "192.0.2.2"))
    ]
    eu, us = member("eu", 50, "192.0.2.1"), member("us", 50, "192.0.2.2")
    states = [
        weighted(eu, us),
        weighted({**eu, "weight": 70}, {**us, "weight": 30}),
        weighted(member("ap", 0, "192.0.2.3", "192.0.2.4"), {**eu, "weight": 255}),
    ]
    return records, states


def _simple() -> tuple[list[dict[str, Any]], list[State]]:
    records = [record(TTL=60, ResourceRecords=[{"Value": "192.0.2.1"}])]
    only = {"id": "", "weight": None, "ttl": 60, "records": ["192.0.2.1"], "health_check": ""}
    return records, [weighted(only), weighted({**only, "ttl": 30}), weighted(member("eu", 1, "192.0.2.1"))]


def _alias() -> tuple[list[dict[str, Any]], list[State]]:
    target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "lb-1.example.net.", "EvaluateTargetHealth": True}
    to = {"zone": "Z2FDTNDATAQYW2", "name": "lb-1.example.net.", "evaluate_health": True}
    eu = {"id": "eu", "weight": 1, "alias": to, "health_check": ""}
    states = [
        weighted(eu),
        weighted({**eu, "alias": {**to, "name": "lb-2.example.net.", "evaluate_health": False}}),
        weighted({**eu, "weight": 2}, member("us", 1, "192.0.2.2")),
    ]
    return [record(SetIdentifier="eu", Weight=1, AliasTarget=target)], states
