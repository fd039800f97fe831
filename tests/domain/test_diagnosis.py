"""Diagnoses as a table, with the three damage states of 2026-02-20 among them."""

from __future__ import annotations

import pytest

from incidents.domain.changes import State
from incidents.domain.diagnosis import Damage, Side, Sight, diagnose_prefix
from incidents.domain.verdicts import Mark

UP: State = {"advertised": True, "as_path": [64496]}
DOWN: State = {"advertised": False}
BOUND: State = {"bound": True}
GONE: State = {"bound": False}
ODD: State = {"advertised": True, "as_path": [64666]}


def route(location: str, now: State | None, good: State | None = UP) -> Side:
    return Side(location, "route", now, good)


def service(location: str, now: State | None) -> Side:
    return Side(location, "service", now, BOUND)


GREEN = [Sight("a", Mark.PASS), Sight("b", Mark.PASS)]
RED = [Sight("a", Mark.FAIL), Sight("b", Mark.FAIL)]


@pytest.mark.parametrize(
    ("sides", "sights", "damage", "repairable"),
    [
        ([route("a", UP), route("b", UP)], GREEN, Damage.HEALTHY, ()),
        ([route("a", DOWN), route("b", DOWN)], RED, Damage.WITHDRAWN, ("a", "b")),
        ([route("a", UP), route("b", DOWN)], GREEN, Damage.WITHDRAWN, ("b",)),
        ([route("a", DOWN), service("a", GONE)], RED, Damage.WITHDRAWN_UNBOUND, ()),
        ([route("a", DOWN), service("a", GONE), route("b", DOWN), service("b", BOUND)], RED,
         Damage.WITHDRAWN_UNBOUND, ("b",)),
        ([route("a", UP), service("a", GONE)], RED, Damage.WITHDRAWN_UNBOUND, ()),
        ([route("a", ODD)], GREEN, Damage.DRIFTED, ()),
        ([route("a", UP), route("b", UP)], RED, Damage.UNREACHABLE_ELSEWHERE, ()),
        ([route("a", None)], GREEN, Damage.UNKNOWN, ()),
        ([route("a", DOWN, good=None)], RED, Damage.UNKNOWN, ()),
        ([route("a", UP)], [Sight("a", None)], Damage.UNKNOWN, ()),
        ([route("a", UP)], [Sight("a", Mark.ERROR)], Damage.UNKNOWN, ()),
        ([route("a", None), route("b", DOWN)], RED, Damage.WITHDRAWN, ("b",)),
        ([], [], Damage.UNKNOWN, ()),
    ],
)  # fmt: skip
def test_diagnose(sides: list[Side], sights: list[Sight], damage: Damage, repairable: tuple[str, ...]) -> None:
    found = diagnose_prefix(sides, sights)
    assert (found.damage, found.repairable) == (damage, repairable)
    assert bool(found.repair) == bool(repairable)
