"""Diagnoses as a table, with the three damage states of 2026-02-20 among them."""

from __future__ import annotations

import pytest

from incidents.domain.changes import State
from incidents.domain.diagnosis import Damage, Side, Sight, diagnose
from incidents.domain.kinds import Kind
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
    found = diagnose(Kind.PREFIX, sides, sights)
    assert (found.damage, found.repairable) == (damage, repairable)
    assert bool(found.repair) == bool(repairable)


GOOD: State = {"template": {"image": "shop:1.42"}}
BAD: State = {"template": {"image": "shop:1.43"}, "status": {"label": "shop:1.43"}}
STUCK: State = {**BAD, "status": {"problem": "it did not come up in time"}}


def deploy(location: str, now: State | None, good: State | None = GOOD) -> Side:
    return Side(location, "deploy", now, good)


@pytest.mark.parametrize(
    ("sides", "sights", "damage", "repairable"),
    [
        ([deploy("a", GOOD), deploy("b", GOOD)], GREEN, Damage.HEALTHY, ()),
        ([deploy("a", BAD), deploy("b", BAD)], RED, Damage.BAD_DEPLOY, ("a", "b")),
        ([deploy("a", BAD), deploy("b", GOOD)], [Sight("a", Mark.FAIL), Sight("b", Mark.PASS)],
         Damage.BAD_DEPLOY, ("a",)),
        # New, and it works: not damage, and not proven yet either.
        ([deploy("a", BAD), deploy("b", BAD)], GREEN, Damage.HEALTHY, ()),
        # The old copies still answer, but the new ones do not come up.
        ([deploy("a", STUCK), deploy("b", GOOD)], GREEN, Damage.BAD_DEPLOY, ("a",)),
        # It fails where nothing was deployed: not the deploy's fault.
        ([deploy("a", GOOD), deploy("b", GOOD)], RED, Damage.UNREACHABLE_ELSEWHERE, ()),
        ([deploy("a", GOOD), deploy("b", BAD)], [Sight("a", Mark.FAIL), Sight("b", Mark.PASS)],
         Damage.UNREACHABLE_ELSEWHERE, ()),
        ([deploy("a", BAD, good=None)], RED, Damage.UNKNOWN, ()),
        ([deploy("a", None)], GREEN, Damage.UNKNOWN, ()),
    ],
)  # fmt: skip
def test_diagnose_a_service(
    sides: list[Side], sights: list[Sight], damage: Damage, repairable: tuple[str, ...]
) -> None:
    found = diagnose(Kind.SERVICE, sides, sights)
    assert (found.damage, found.repairable) == (damage, repairable)
    assert found.repair == ("revert_deploy" if repairable else "")


FULL: State = {"weight": 100, "mode": "ready"}
EMPTY: State = {"weight": 0, "mode": "ready", "status": {"ready": True}}
DRAINED: State = {"weight": 100, "mode": "drain"}
HALF: State = {"weight": 50, "mode": "ready"}


def weight(location: str, now: State | None, good: State | None = FULL) -> Side:
    return Side(location, "weight", now, good)


@pytest.mark.parametrize(
    ("sides", "sights", "damage", "repairable"),
    [
        ([weight("a", FULL), weight("b", FULL)], GREEN, Damage.HEALTHY, ()),
        ([weight("a", EMPTY), weight("b", FULL)], RED, Damage.MISROUTED, ("a",)),
        # Nobody feels it yet, but a location that carried traffic carries none.
        ([weight("a", EMPTY), weight("b", FULL)], GREEN, Damage.MISROUTED, ("a",)),
        ([weight("a", DRAINED), weight("b", FULL)], GREEN, Damage.MISROUTED, ("a",)),
        ([weight("a", HALF), weight("b", FULL)], GREEN, Damage.HEALTHY, ()),
        ([weight("a", HALF), weight("b", FULL)], RED, Damage.MISROUTED, ("a",)),
        # A standby that never carried anything is no fault.
        ([weight("a", EMPTY, good=None), weight("b", FULL)], GREEN, Damage.HEALTHY, ()),
        ([weight("a", FULL), weight("b", FULL)], RED, Damage.UNREACHABLE_ELSEWHERE, ()),
        ([weight("a", None), weight("b", FULL)], GREEN, Damage.UNKNOWN, ()),
    ],
)  # fmt: skip
def test_diagnose_a_pool(sides: list[Side], sights: list[Sight], damage: Damage, repairable: tuple[str, ...]) -> None:
    found = diagnose(Kind.POOL, sides, sights)
    assert (found.damage, found.repairable) == (damage, repairable)
    assert found.repair == ("shift_traffic_back" if repairable else "")


OPEN: State = {"document": "allow: everybody"}
SHUT: State = {"document": "allow: nobody"}
ABSENT: State = {"document": None}


@pytest.mark.parametrize(
    ("now", "sights", "damage"),
    [
        (OPEN, GREEN, Damage.HEALTHY),
        (SHUT, GREEN, Damage.HEALTHY),  # another one that works is new
        (SHUT, RED, Damage.POLICY_BLOCKS),
        (ABSENT, GREEN, Damage.POLICY_BLOCKS),  # everybody is let in, and nobody complains
        (OPEN, RED, Damage.UNREACHABLE_ELSEWHERE),
        (None, RED, Damage.UNKNOWN),
    ],
)
def test_a_policy(now: State | None, sights: list[Sight], damage: Damage) -> None:
    found = diagnose(Kind.POLICY, [Side("a", "document", now, OPEN), Side("b", "document", OPEN, OPEN)], sights)
    assert found.damage is damage
    assert found.repairable == (("a",) if damage is Damage.POLICY_BLOCKS else ())
    assert found.repair == ("roll_back_policy" if damage is Damage.POLICY_BLOCKS else "")


@pytest.mark.parametrize(
    ("kind", "damage", "repair"),
    [
        (Kind.RECORD, Damage.RECORD_WRONG, "restore_record"),
        (Kind.KEYS, Damage.KEYS_WRONG, "restore_keys"),
    ],
)
def test_a_record_and_keys_are_wrong_in_the_same_way(kind: Kind, damage: Damage, repair: str) -> None:
    found = diagnose(kind, [Side("a", "any", {"records": ["b"]}, {"records": ["a"]})], RED)
    assert (found.damage, found.repair, found.repairable) == (damage, repair, ("a",))
    empty = diagnose(kind, [Side("a", "any", {"records": []}, {"records": ["a"]})], GREEN)
    assert empty.damage is damage
