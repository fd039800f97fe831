"""Which version a service goes back to, where, and what speaks against it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents.actions.base import Resolved, Wish
from incidents.actions.revert_deploy import RevertDeploy
from incidents.domain.changes import State
from incidents.domain.facts import BindingFacts
from incidents.domain.findings import Severity
from tests.actions.facts import NOW, TERMS, codes, resource, side

GOOD: State = {"template": {"image": "checkout:1.42"}, "status": {"label": "checkout:1.42"}}
BAD: State = {"template": {"image": "checkout:1.43"}, "status": {"label": "checkout:1.43", "settled": False}}
TREE: State = {"tree": "aa" * 20, "status": {"label": "4f2c1ab Release 1.42"}}
BAD_TREE: State = {"tree": "bb" * 20, "status": {"label": "9d01c3e Release 1.43"}}


def told(state: State, **status: object) -> State:
    return {**state, "status": {**state["status"], **status}}  # type: ignore[dict-item]


def resolve(*sides: BindingFacts) -> Resolved:
    return RevertDeploy().resolve([resource("service", "checkout", *sides)], TERMS, Wish(), NOW)


def test_it_goes_back_to_what_was_proven_at_every_location_that_runs_something_else() -> None:
    resolved = resolve(side("a", "deploy", BAD, GOOD), side("b", "deploy", GOOD, GOOD), side("c", "deploy", BAD, GOOD))
    assert [(change.location, change.after) for change in resolved.changes] == [("a", GOOD), ("c", GOOD)]
    # What the cluster says of its progress is no part of the plan; what people call the version is.
    assert resolved.changes[0].before == {"template": BAD["template"], "status": {"label": "checkout:1.43"}}
    assert codes(resolved.findings, Severity.BLOCKER) == []


def test_the_preview_says_what_is_not_put_back() -> None:
    resolved = resolve(side("a", "deploy", BAD, GOOD))
    (note,) = [finding for finding in resolved.findings if finding.code == "guard.not-reverted"]
    assert note.severity is Severity.NOTE
    for word in ("database", "settings"):
        assert word in note.text
    for word in ("schema", "settings", "number of copies", "scaling"):
        assert word in RevertDeploy.words.stays


@pytest.mark.parametrize(
    ("sides", "code"),
    [
        ([side("a", "deploy", GOOD, GOOD)], "guard.nothing-to-do"),
        # Nothing was ever proven here, or not since the binding was changed: then the snapshot is forgotten.
        ([side("a", "deploy", BAD, None)], "guard.no-snapshot"),
        ([side("a", "deploy", BAD, GOOD, age=timedelta(days=31))], "guard.snapshot-age"),
        ([side("a", "deploy", told(BAD, paused=True), GOOD)], "guard.paused"),
        ([side("a", "deploy", told(BAD, managed_by="Argo CD"), GOOD)], "guard.gitops"),
        ([side("a", "deploy", None, GOOD)], "guard.unreachable-location"),
    ],
)
def test_it_refuses(sides: list[BindingFacts], code: str) -> None:
    resolved = resolve(*sides)
    assert codes(resolved.findings, Severity.BLOCKER) == [code]
    assert resolved.changes == () or code == "guard.gitops"


def test_where_a_controller_would_undo_it_the_source_in_git_is_changed_instead() -> None:
    managed = told(BAD, managed_by="Argo CD")
    resolved = resolve(side("a", "source", BAD_TREE, TREE), side("a", "deploy", managed, GOOD))
    assert [(change.aspect, change.after) for change in resolved.changes] == [("source", TREE)]
    (note,) = [finding for finding in resolved.findings if finding.code == "guard.gitops"]
    assert (note.severity, "Argo CD" in note.text) == (Severity.NOTE, True)


def test_a_cluster_that_is_paused_would_not_carry_out_what_git_says_either() -> None:
    managed = told(BAD, managed_by="Argo CD", paused=True)
    resolved = resolve(side("a", "source", BAD_TREE, TREE), side("a", "deploy", managed, GOOD))
    assert codes(resolved.findings, Severity.BLOCKER) == ["guard.paused"]


def test_where_no_controller_interferes_the_cluster_is_changed_at_once() -> None:
    resolved = resolve(side("a", "source", BAD_TREE, TREE), side("a", "deploy", BAD, GOOD))
    assert [change.aspect for change in resolved.changes] == ["deploy"]


def test_a_service_that_stands_in_git_alone_is_changed_there() -> None:
    resolved = resolve(side("a", "source", BAD_TREE, TREE), side("b", "source", BAD_TREE, TREE))
    assert [change.location for change in resolved.changes] == ["a", "b"]
    assert RevertDeploy().describe(resolved.changes[0].after) == "4f2c1ab Release 1.42"


def test_what_the_cluster_runs_and_shall_run_is_frozen_with_what_is_written_down() -> None:
    old, new = {"template": "1.42"}, {"template": "1.43"}
    running: State = {**new, "status": {"managed_by": "Argo CD"}}
    sides = (side("a", "deploy", running, old), side("a", "source", {"tree": "b"}, {"tree": "a"}))
    [change] = RevertDeploy().resolve([resource("service", "shop", *sides)], TERMS, Wish(), NOW).changes
    assert (change.aspect, change.carried_before, change.carried_after) == ("source", new, old)
    back = change.reversed()
    assert (back.carried_before, back.carried_after) == (old, new)
