"""Where traffic goes, step by step, and what is never left: a pool without capacity, a change without an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.actions.base import Resolved, Wish
from incidents.actions.shift_traffic_away import ShiftTrafficAway
from incidents.actions.shift_traffic_back import ShiftTrafficBack
from incidents.domain.changes import State, settings_of
from incidents.domain.facts import BindingFacts
from incidents.domain.findings import Severity
from incidents.domain.traffic import effective
from tests.actions.facts import NOW, TERMS, codes, resource, side

FULL: State = {"weight": 100, "mode": "ready"}


def at(weight: int, *, ready: bool | None = True, mode: str = "ready") -> State:
    return {"weight": weight, "mode": mode, **({} if ready is None else {"status": {"ready": ready}})}


def member(
    location: str, now: State | None, good: State | None = FULL, age: timedelta = timedelta(minutes=5)
) -> BindingFacts:
    return side(location, "weight", now, good, age=age)


def back(*sides: BindingFacts, minimum: int = 50) -> Resolved:
    terms = replace(TERMS, minimum_percent=minimum)
    return ShiftTrafficBack().resolve([resource("pool", "shop-web", *sides)], terms, Wish(), NOW)


def away(wish: Wish, *sides: BindingFacts, minimum: int = 50) -> Resolved:
    terms = replace(TERMS, minimum_percent=minimum)
    return ShiftTrafficAway().resolve([resource("pool", "shop-web", *sides)], terms, wish, NOW)


def shares(resolved: Resolved) -> list[dict[str, int]]:
    """What each location gets after each step, where that changes."""
    return [
        {resolved.changes[index].location: effective(resolved.changes[index].after) for index in stage}
        for stage in resolved.stages
    ]


def test_traffic_goes_back_in_steps_to_the_known_good_shares() -> None:
    resolved = back(member("a", at(0)), member("b", at(200)), member("c", at(100)))
    assert shares(resolved) == [{"a": 10, "b": 190}, {"a": 50, "b": 150}, {"a": 100, "b": 100}]
    assert [change.after for change in resolved.changes[-2:]] == [FULL, FULL]
    assert codes(resolved.findings, Severity.BLOCKER) == []


def test_each_step_begins_where_the_last_one_ended() -> None:
    resolved = back(member("a", at(0)), member("b", at(100)))
    ways = [(change.before, change.after) for change in resolved.changes]
    assert [after for _, after in ways[:-1]] == [before for before, _ in ways[1:]]
    assert ways[0][0] == settings_of(at(0))


def test_a_drained_location_is_opened_with_a_small_share_first() -> None:
    resolved = back(member("a", at(100, mode="drain")), member("b", at(100)))
    assert [change.after for change in resolved.changes] == [
        {"weight": 10, "mode": "ready"},
        {"weight": 50, "mode": "ready"},
        FULL,
    ]


def test_a_location_that_is_not_ready_gets_no_more_than_it_has_and_is_named() -> None:
    resolved = back(member("a", at(0)), member("b", at(100)), member("c", at(0, ready=False)))
    assert {change.location for change in resolved.changes} == {"a"}
    (warning,) = [finding for finding in resolved.findings if finding.code == "guard.not-ready"]
    assert (warning.severity, "Singapore" in warning.text) == (Severity.WARNING, True)


def test_a_standby_is_left_alone() -> None:
    resolved = back(member("a", at(0)), member("b", at(100)), member("c", at(0), good=None))
    assert {change.location for change in resolved.changes} == {"a"}


@pytest.mark.parametrize(
    ("sides", "code"),
    [
        ([member("a", at(100)), member("b", at(100))], "guard.nothing-to-do"),
        # All weights are zero and nothing is ready: nobody would be answered, whatever we write.
        ([member("a", at(0, ready=False)), member("b", at(0, ready=False))], "guard.nothing-to-do"),
        ([member("a", at(200)), member("b", at(0, ready=False)), member("c", at(0, ready=False))], "guard.capacity"),
        ([member("a", at(50, ready=False)), member("b", at(200, ready=False))], "guard.stranded"),
        ([member("a", at(0), age=timedelta(days=31)), member("b", at(100))], "guard.snapshot-age"),
        ([member("a", at(0), None), member("b", at(100), None)], "guard.no-snapshot"),
        ([member("a", None), member("b", at(0)), member("c", at(100))], "guard.unreachable-location"),
    ],
)
def test_it_refuses(sides: list[BindingFacts], code: str) -> None:
    assert code in codes(back(*sides).findings, Severity.BLOCKER)


def test_too_little_that_is_more_than_now_is_a_repair_and_said() -> None:
    resolved = back(member("a", at(0)), member("b", at(100, ready=False)), member("c", at(0, ready=False)))
    assert codes(resolved.findings, Severity.BLOCKER) == []
    assert "guard.capacity" in codes(resolved.findings, Severity.WARNING)
    assert "guard.capacity" not in codes(resolved.findings, Severity.PASSED)


def test_a_location_that_does_not_answer_counts_for_what_is_needed() -> None:
    sides = [member("a", at(100)), member("b", at(100)), member("c", None)]
    assert "guard.capacity" in codes(away(Wish("a", 60), *sides).findings, Severity.BLOCKER)


def test_readiness_that_nobody_can_see_is_said() -> None:
    resolved = back(member("a", at(0, ready=None)), member("b", at(100)))
    assert codes(resolved.findings, Severity.WARNING) == ["guard.readiness-unknown"]


def test_weights_that_sum_to_nothing_are_no_goal() -> None:
    """A known-good state with weight zero is never kept; one that is there all the same moves nothing."""
    nothing: State = {"weight": 0, "mode": "ready"}
    resolved = back(member("a", at(0), nothing), member("b", at(0), nothing))
    assert resolved.changes == ()
    assert codes(resolved.findings, Severity.BLOCKER) == ["guard.nothing-to-do"]


def test_traffic_goes_away_in_steps_and_for_a_time() -> None:
    resolved = away(Wish("a", 60), member("a", at(100)), member("b", at(100)), member("c", at(100)))
    assert shares(resolved) == [{"a": 90}, {"a": 50}, {"a": 0}]
    assert (resolved.hand_back, codes(resolved.findings, Severity.BLOCKER)) == (3600, [])


@pytest.mark.parametrize(("minutes", "allowed"), [(0, False), (1, True), (72 * 60, True), (72 * 60 + 1, False)])
def test_it_never_goes_away_without_an_end(minutes: int, allowed: bool) -> None:
    resolved = away(Wish("a", minutes), member("a", at(100)), member("b", at(100)))
    assert ("guard.expiry" in codes(resolved.findings, Severity.BLOCKER)) is not allowed


@pytest.mark.parametrize(
    ("wish", "sides", "code"),
    [
        (Wish("z", 60), [member("a", at(100)), member("b", at(100))], "guard.location"),
        (Wish("", 60), [member("a", at(100)), member("b", at(100))], "guard.location"),
        (Wish("a", 60), [member("a", at(0)), member("b", at(100))], "guard.nothing-to-do"),
        (Wish("a", 60), [member("a", None), member("b", at(100))], "guard.unreachable-location"),
        (Wish("a", 60), [member("a", at(100))], "guard.stranded"),
        (Wish("a", 60), [member("a", at(100)), member("b", at(100, ready=False))], "guard.stranded"),
        (Wish("a", 60), [member("a", at(100)), member("b", at(100)), member("c", at(100, ready=False))],
         "guard.capacity"),
    ],
)  # fmt: skip
def test_going_away_refuses(wish: Wish, sides: list[BindingFacts], code: str) -> None:
    assert code in codes(away(wish, *sides).findings, Severity.BLOCKER)


def test_several_pools_go_each_step_together() -> None:
    pools = [resource("pool", name, member("a", at(0)), member("b", at(100))) for name in ("one", "two")]
    resolved = ShiftTrafficBack().resolve(pools, TERMS, Wish(), NOW)
    assert [[resolved.changes[index].name for index in stage] for stage in resolved.stages] == [["one", "two"]] * 3
    assert [effective(resolved.changes[stage[1]].after) for stage in resolved.stages] == [10, 50, 100]


def test_what_another_system_would_put_back_is_not_changed() -> None:
    managed: State = {"weight": 0, "mode": "ready", "status": {"ready": True, "managed_by": "Argo CD"}}
    assert codes(back(member("a", managed), member("b", at(100))).findings, Severity.BLOCKER) == ["guard.gitops"]


def test_steps_that_would_change_nothing_are_left_out_and_the_others_named_rightly() -> None:
    small: State = {"weight": 3, "mode": "ready"}
    resolved = back(member("a", at(0), small), member("b", at(3), small))
    assert shares(resolved) == [{"a": 1}, {"a": 3}]
    assert resolved.percents == (10, 100)
