"""Stop, deadline, overruling, a permission revoked, a world that moved: what each does to a run under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db.models import F

from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.advance import advance
from incidents.lab.lab import Lab
from incidents.models import Attempt, AuditEntry, Preapproval, ResourceLock, Run, Target
from incidents.models.clock import database_now
from incidents.services.control import overrule, stop
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.factories import agree_on
from tests.scene import Scene, consent, set_scene


def test_a_stop_before_anything_was_sent(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    stop(scene.operator, run)
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "run.stopped-by-person")
    assert scene.visible() == []
    assert set(run.targets.values_list("step", flat=True)) == {Step.LEFT}
    assert not ResourceLock.objects.filter(live=True).exists()


def test_a_stop_in_the_middle_finishes_what_was_sent(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    scene.mode("edge-b", "hang")
    advance(run.pk)
    run.refresh_from_db()
    stop(scene.operator, run)
    stop(scene.operator, run)
    scene.mode("edge-b", "ok")
    run = scene.carry_on(run)
    assert run.outcome == Outcome.STOPPED
    assert AuditEntry.objects.filter(run=str(run.pk), event="run.stop-asked").count() == 1
    for target in run.targets.select_related("location"):
        told = target.step in (Step.VERIFIED, Step.IN_PLACE)
        assert told == (target.location.slug in scene.visible())


def test_only_who_may_act_may_stop(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    for person in (scene.viewer, scene.stranger):
        with pytest.raises(NotAllowed):
            stop(person, run)


def test_the_deadline_ends_it(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    Run.objects.filter(pk=run.pk).update(deadline_at=run.accepted_at)
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.EXPIRED, "run.deadline")
    assert scene.visible() == []


def test_a_permission_revoked_after_the_start_stops_the_next_effect(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    scene.operator.groups.remove(Group.objects.get(name="example-shop/operators"))
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.permission")
    assert scene.visible() == []
    assert not Attempt.objects.filter(target__run=run).exists()


def test_a_preapproval_changed_after_the_start_stops_the_next_effect(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    row = Preapproval.objects.get(action=run.action, organization=run.organization)
    agree_on(row, {**row.terms, "most_resources": 7})
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.preapproval")
    assert scene.visible() == []


def test_a_plan_edited_in_the_database_runs_nothing(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    body = bytes(run.plan.body).replace(b"64496", b"64666")
    type(run.plan).objects.filter(pk=run.plan_id).update(body=body)
    for _ in range(4):
        advance(run.pk)
    run.refresh_from_db()
    assert scene.visible() == []
    assert not Attempt.objects.filter(target__run=run).exists()
    assert (run.phase, run.outcome, run.because) == (Phase.ENDED, Outcome.ERRORED, "engine.quarantined")


def test_a_world_that_moved_voids_the_plan(scene: Scene) -> None:
    """Drift: between the start and the first effect the route came back by itself, but not as it was."""
    scene.break_()
    run = scene.start()
    target = Target.objects.get(run=run, location__slug="edge-a")
    scene.put("edge-a", {"advertised": True, "as_path": [64666]})
    run = scene.carry_on(run)
    target.refresh_from_db()
    assert (run.outcome, run.because) == (Outcome.FAILED, "guard.drift")
    assert target.step == Step.LEFT
    assert not Attempt.objects.filter(target__run=run).exists()


def test_a_blind_collector_pauses_it_and_a_person_may_go_on(db: None, world: Lab, tmp_path: Path) -> None:
    scene = set_scene(world, tmp_path, within_seconds="1")
    scene.break_()
    run = scene.start()
    scene.end_session("edge-a")
    run = scene.carry_on(run)
    assert (run.phase, run.because) == (Phase.PAUSED, "verdict.inconclusive")
    with pytest.raises(Refused, match="why"):
        overrule(scene.operator, run, "  ")
    with pytest.raises(NotAllowed):
        overrule(scene.viewer, run, "because")
    overrule(scene.operator, run, "a colleague sees it from outside")
    run = scene.carry_on(run)
    # In place everywhere, and never called proven where it was not.
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "run.unproven")
    steps = dict(run.targets.values_list("location__slug", "step"))
    assert steps == {"edge-a": Step.IN_PLACE, "edge-b": Step.VERIFIED, "edge-c": Step.VERIFIED}
    told = AuditEntry.objects.get(run=str(run.pk), event="verdict.overruled")
    assert b"a colleague sees it" in bytes(told.body)
    with pytest.raises(Refused):
        overrule(scene.operator, run, "again")


def test_a_paused_run_goes_on_by_itself_when_the_proof_arrives(db: None, world: Lab, tmp_path: Path) -> None:
    scene = set_scene(world, tmp_path, within_seconds="1")
    scene.break_()
    run = scene.start()
    scene.end_session("edge-a")
    run = scene.carry_on(run)
    assert run.phase == Phase.PAUSED
    scene.mend_session("edge-a")
    for _ in range(3):
        advance(run.pk)
    run.refresh_from_db()
    assert run.outcome == Outcome.SUCCEEDED


def test_what_comes_undone_before_the_end_is_no_success(scene: Scene) -> None:
    """The first location is proven and lost again while the others are still being restored."""
    scene.break_()
    run = scene.start()
    scene.mode("edge-b", "hang")
    advance(run.pk)
    assert run.targets.get(location__slug="edge-a").step == Step.VERIFIED
    scene.put("edge-a", {"advertised": False})
    scene.mode("edge-b", "ok")
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.FAILED, "run.came-undone")
    lost = run.targets.get(location__slug="edge-a")
    assert (lost.step, lost.because) == (Step.FAILED, "target.came-undone")
    assert scene.visible() == ["edge-b", "edge-c"]


def test_a_probe_that_breaks_at_the_end_undoes_no_proof(scene: Scene) -> None:
    # The world's services answer by what its collector sees; without them only the collector is blind.
    scene.resource().points.filter(probe__slug="tcp").delete()
    scene.break_()
    run = scene.start()
    scene.mode("edge-b", "hang")
    advance(run.pk)
    assert run.targets.get(location__slug="edge-a").step == Step.VERIFIED
    scene.end_session("edge-a")
    scene.mode("edge-b", "ok")
    assert scene.carry_on(run).outcome == Outcome.SUCCEEDED


def test_undo_waits_for_the_neighbours_patience(scene: Scene) -> None:
    """RFC 7196: a withdrawal right after an announcement could get the prefix suppressed elsewhere."""
    scene.break_()
    run = scene.carry_on(scene.start())
    plan = propose_undo(scene.operator, run)
    codes = {item["code"] for item in plan.findings if item["severity"] == "blocker"}
    assert codes == {"guard.flap"}
    with pytest.raises(Refused, match="announced at"):
        start(scene.operator, scene.organization, consent(plan))


def test_undo_is_a_new_run_that_puts_back_what_was(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    Attempt.objects.update(at=F("at") - timedelta(minutes=16))
    undo = start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run)))
    assert undo.undo_of == run
    undo = scene.carry_on(undo)
    # What proves a withdrawal is that it is no longer seen from outside.
    assert undo.outcome == Outcome.SUCCEEDED
    assert scene.visible() == []


def test_undo_is_refused_when_the_world_has_moved(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    scene.put("edge-b", {"advertised": False})
    plan = propose_undo(scene.operator, run)
    assert "guard.drift" in {item["code"] for item in plan.findings if item["severity"] == "blocker"}


def test_undo_only_of_what_has_ended_lately_and_changed_something(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    with pytest.raises(Refused, match="not ended"):
        propose_undo(scene.operator, run)
    stop(scene.operator, run)
    run = scene.carry_on(run)
    with pytest.raises(Refused, match="changed nothing"):
        propose_undo(scene.operator, run)
    Run.objects.filter(pk=run.pk).update(ended_at=database_now() - timedelta(hours=25))
    run.refresh_from_db()
    with pytest.raises(Refused, match="24 hours"):
        propose_undo(scene.operator, run)
