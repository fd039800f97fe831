"""A bad deploy on the simulated world: felt, diagnosed, put back, and waited for."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from incidents.audit.verify import verify
from incidents.domain.changes import Change, State
from incidents.domain.findings import Finding, blockers
from incidents.domain.runs import Outcome, Phase, Seen, Step
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.engine.targets import _carried_out
from incidents.models import Plan, Run
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.scene import Scene, consent

SERVICE = "checkout"


def plan(scene: Scene) -> Plan:
    return propose(scene.operator, scene.organization, "revert_deploy", [scene.resource(SERVICE)])


def started(scene: Scene) -> Run:
    return start(scene.operator, scene.organization, consent(plan(scene)))


def tell(scene: Scene, place: str, **status: object) -> None:
    """What the repository's controller says of how far it has come."""
    key = f"checkout/{place}"
    state = scene.states("shop-repo")[key]
    scene.put_state("shop-repo", key, {**state, "status": status})


def test_a_bad_deploy_is_put_back_location_by_location_and_proven(scene: Scene) -> None:
    good = {key: state["tree"] for key, state in scene.states("shop-repo").items()}
    scene.break_("bad_deploy")
    assert scene.damage(SERVICE) == "bad_deploy"
    run = scene.carry_on(started(scene))
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    assert [row.stage for row in run.targets.order_by("index")] == [0, 1, 1]
    assert {key: state["tree"] for key, state in scene.states("shop-repo").items()} == good
    assert scene.damage(SERVICE) == "healthy"
    assert verify().fault == ""


def test_when_it_runs_what_was_proven_there_is_nothing_to_do(scene: Scene) -> None:
    findings = tuple(Finding.from_json(item) for item in plan(scene).findings)
    assert [finding.code for finding in blockers(findings)] == ["guard.nothing-to-do"]


def test_an_undo_goes_back_to_the_bad_version_and_ends(scene: Scene) -> None:
    scene.break_("bad_deploy")
    run = scene.carry_on(started(scene))
    undo = scene.carry_on(start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run))))
    assert undo.outcome == Outcome.SUCCEEDED
    poll_once()
    assert scene.damage(SERVICE) == "bad_deploy"


def test_it_waits_until_the_rollout_is_really_there(scene: Scene) -> None:
    scene.break_("bad_deploy")
    run = started(scene)
    good = {change["location"]: change["after"] for change in _changes(run)}
    # Somebody has begun the same rollout at the first location; it has not come up yet.
    scene.put_state("shop-repo", "checkout/edge-a", {**good["edge-a"], "status": {"settled": False}})
    advance(run.pk)
    run.refresh_from_db()
    assert (run.phase, run.because) == (Phase.RUNNING, "backend.carrying-out")
    tell(scene, "edge-a", settled=True)
    run = scene.carry_on(run)
    assert run.outcome == Outcome.SUCCEEDED


def test_a_rollout_that_gives_up_fails_the_run(scene: Scene) -> None:
    scene.break_("bad_deploy")
    run = started(scene)
    good = {change["location"]: change["after"] for change in _changes(run)}
    status = {"settled": False, "problem": "its copies do not start"}
    scene.put_state("shop-repo", "checkout/edge-a", {**good["edge-a"], "status": status})
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.FAILED, "run.target-failed")
    assert [row.because for row in run.targets.filter(step=Step.FAILED)] == ["backend.gave-up"]


def test_what_is_still_rolling_out_is_never_known_good(scene: Scene) -> None:
    before = scene.snapshots(SERVICE)
    for place in ("edge-a", "edge-b", "edge-c"):
        state = scene.states("shop-repo")[f"checkout/{place}"]
        scene.put_state("shop-repo", f"checkout/{place}", {**state, "note": "new", "status": {"settled": False}})
    for _ in range(3):
        poll_once()
    assert scene.snapshots(SERVICE) == before
    for place in ("edge-a", "edge-b", "edge-c"):
        tell(scene, place, settled=True)
    poll_once()
    poll_once()
    assert scene.snapshots(SERVICE) == before + 3


def _changes(run: Run) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = json.loads(bytes(run.plan.body))["changes"]
    return changes


def test_what_was_proven_before_its_binding_was_changed_is_nothing_to_go_back_to(scene: Scene, tmp_path: Path) -> None:
    scene.break_("bad_deploy")
    text = (scene.lab.directory / "inventory.yaml").read_text()
    one, other = "key: checkout/edge-a", "key: checkout/edge-b"
    file = tmp_path / "changed.yaml"
    swapped = text.replace(one, "key: swapped").replace(other, one).replace("key: swapped", other)
    file.write_text(swapped)
    call_command("inventory", "apply", str(file), stdout=StringIO())
    findings = blockers(tuple(Finding.from_json(item) for item in plan(scene).findings))
    assert {finding.code for finding in findings} == {"guard.no-snapshot"}


@pytest.mark.parametrize(
    ("now", "after", "seen"),
    [
        ({"template": "1.42"}, {"template": "1.42"}, Seen.AFTER),
        ({"template": "1.43"}, {"template": "1.42"}, Seen.UNSETTLED),
        # What shall run is not known: it is carried out when something else runs than before.
        ({"template": "1.43"}, None, Seen.UNSETTLED),
        ({"template": "1.41"}, None, Seen.AFTER),
        ({"template": "1.41", "status": {"settled": False}}, None, Seen.UNSETTLED),
        (None, None, Seen.UNSETTLED),
    ],
)
def test_a_cluster_has_carried_out_what_the_plan_says_and_not_what_was_proven_since(
    now: State | None, after: State | None, seen: Seen
) -> None:
    change = Change(
        "r", "shop", "edge-a", "git", "1", "source", "shop", {"tree": "b"}, {"tree": "a"}, {"template": "1.43"}, after
    )
    assert _carried_out(change, now) is seen
