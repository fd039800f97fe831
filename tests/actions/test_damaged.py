"""What each action that restores does where a known-good state is damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from incidents.actions.base import Action, Resolved, Wish
from incidents.actions.readvertise_prefix import ReadvertisePrefix
from incidents.actions.revert_deploy import RevertDeploy
from incidents.actions.shift_traffic_back import ShiftTrafficBack
from incidents.domain.changes import State
from incidents.domain.facts import BindingFacts
from incidents.domain.findings import Severity
from tests.actions.facts import NOW, TERMS, codes, resource, side
from tests.factories import GONE, good_route

NAME = "203.0.113.0/24"
WELL: dict[str, tuple[Action, State, State]] = {
    "route": (ReadvertisePrefix(), GONE, good_route()),
    "deploy": (RevertDeploy(), {"template": {"image": "1.43"}}, {"template": {"image": "1.42"}}),
    "weight": (
        ShiftTrafficBack(),
        {"weight": 0, "mode": "ready", "status": {"ready": True}},
        {"weight": 100, "mode": "ready"},
    ),
}
each_action = pytest.mark.parametrize("aspect", WELL)


def broken(location: str, aspect: str, *, damaged: bool = False, lost: bool = False) -> BindingFacts:
    """One side that is not as it should be; of a lost one nothing whole is left."""
    _, now, good = WELL[aspect]
    return replace(side(location, aspect, now, None if lost else good, key=NAME), damaged=damaged)


def well(location: str, aspect: str) -> BindingFacts:
    good = WELL[aspect][2]
    return side(location, aspect, {**good, "status": {"ready": True}}, good, key=NAME)


def resolve(aspect: str, sides: Sequence[BindingFacts]) -> Resolved:
    action = WELL[aspect][0]
    made = resource(action.kinds[0], NAME, *sides, settings={"origins": [64496]})
    return action.resolve([made], TERMS, Wish(), NOW)


@each_action
def test_where_an_older_one_is_used_it_is_said(aspect: str) -> None:
    resolved = resolve(aspect, [broken("a", aspect, damaged=True), well("b", aspect)])

    assert {change.location for change in resolved.changes} == {"a"}
    assert codes(resolved.findings, Severity.BLOCKER) == []
    [warning] = [finding for finding in resolved.findings if finding.code == "guard.snapshot-damaged"]
    assert warning.severity is Severity.WARNING
    assert "Amsterdam is damaged" in warning.text
    assert "last seen working on 20 February 2026 at 17:55 UTC" in warning.text
    assert not any("exactly as it was when it last worked" in finding.text for finding in resolved.findings)


@each_action
def test_where_none_is_left_nothing_is_put_back(aspect: str) -> None:
    resolved = resolve(aspect, [broken("a", aspect, damaged=True, lost=True), well("b", aspect)])

    assert codes(resolved.findings, Severity.BLOCKER).count("guard.no-snapshot") == 1
    assert any("is damaged, and we have nothing older" in finding.text for finding in resolved.findings)
    assert not any("never seen" in finding.text for finding in resolved.findings)


@each_action
def test_what_is_as_it_should_be_needs_no_warning(aspect: str) -> None:
    resolved = resolve(aspect, [replace(well("a", aspect), damaged=True), broken("b", aspect)])

    assert "guard.snapshot-damaged" not in codes(resolved.findings, Severity.WARNING)
