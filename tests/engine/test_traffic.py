"""Traffic on the simulated world: back in steps, held against what is ready, and undone."""

from __future__ import annotations

from django.utils import timezone

from incidents.audit.verify import verify
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.poller import poll_once
from incidents.models import Binding, Run, RunReading, StageVerdict
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.engine.pools import ORIGINS, POOL, against, plan, put, shares
from tests.scene import Scene, consent


def test_stuck_traffic_goes_back_in_steps_and_is_proven(scene: Scene) -> None:
    scene.break_("traffic_stuck")
    assert scene.damage(POOL) == "misrouted"
    run = scene.carry_on(start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back"))))
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    assert [row.mark for row in StageVerdict.objects.filter(run=run).order_by("stage")] == ["pass"] * 3
    assert [row.detail for row in run.targets.exclude(step=Step.VERIFIED)] == []
    assert (shares(scene)["edge-a"], shares(scene)["edge-c"]) == (100, 100)
    # On the way nothing must get worse; after the last step every location that got more must be right.
    roles = RunReading.objects.filter(run=run).values_list("stage", "location__slug", "role").distinct()
    assert {role for stage, _, role in roles if stage < 2} == {"keep"}
    assert {place for stage, place, role in roles if stage == 2 and role == "prove"} == {"edge-a", "edge-c"}
    assert verify().fault == ""


def test_an_undo_of_a_shift_puts_the_weights_back_step_by_step(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    poll_once()
    run = scene.carry_on(start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back"))))
    undo = scene.carry_on(start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run))))
    assert (undo.outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 0)


def test_capacity_that_is_lost_between_two_steps_stops_the_run_where_it_is(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    poll_once()
    run = start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back")))
    put(scene, "edge-a", 0, ready=False)
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.not-ready")
    assert shares(scene)["edge-a"] == 0


def test_a_half_done_shift_can_be_undone_from_where_it_was_left(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    poll_once()
    run = start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back")))
    put(scene, "edge-a", 10)
    poll_once()
    run.targets.filter(stage__gt=0).update(step=Step.LEFT)
    run.targets.filter(stage=0).update(step=Step.VERIFIED, attempts=1)
    Run.objects.filter(pk=run.pk).update(phase=Phase.ENDED, outcome=Outcome.STOPPED, ended_at=timezone.now())
    run.locks.update(live=False)
    for _ in range(3):
        poll_once()
    good = Binding.objects.get(key=ORIGINS["edge-a"]).good
    assert good is not None
    assert good.state["weight"] == 100, "half of a way is nothing to go to"
    undo = propose_undo(scene.operator, Run.objects.get(pk=run.pk))
    assert against(undo) == []
    scene.carry_on(start(scene.operator, scene.organization, consent(undo)))
    assert shares(scene)["edge-a"] == 0


def test_the_only_location_that_is_ready_is_brought_in_to_the_end(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    for place in ("edge-b", "edge-c"):
        put(scene, place, 100, ready=False)
    poll_once()
    made = plan(scene, "shift_traffic_back")
    assert against(made) == []
    run = scene.carry_on(start(scene.operator, scene.organization, consent(made)))
    assert (run.outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 100)


def test_what_is_in_maintenance_is_neither_damage_nor_opened(scene: Scene) -> None:
    put(scene, "edge-a", 100, mode="maint")
    poll_once()
    assert scene.damage(POOL) == "healthy"
    assert against(plan(scene, "shift_traffic_back")) == ["guard.nothing-to-do"]


def test_half_a_way_is_never_known_good_whatever_flickers(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    poll_once()
    run = start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back")))
    put(scene, "edge-a", 10)
    run.targets.filter(stage=0).update(step=Step.VERIFIED, attempts=1)
    Run.objects.filter(pk=run.pk).update(phase=Phase.ENDED, outcome=Outcome.STOPPED, ended_at=timezone.now())
    run.locks.update(live=False)
    for ready in (False, True, True):
        put(scene, "edge-a", 10, ready=ready)
        poll_once()
    good = Binding.objects.get(key=ORIGINS["edge-a"]).good
    assert good is not None
    assert good.state["weight"] == 100


def test_shares_of_different_moments_are_no_known_good_whole(scene: Scene) -> None:
    put(scene, "edge-a", 0)
    put(scene, "edge-b", 250)
    for _ in range(3):
        poll_once()
    good = Binding.objects.get(key=ORIGINS["edge-b"]).good
    assert good is not None
    assert good.state["weight"] == 100
    put(scene, "edge-a", 50)
    for _ in range(3):
        poll_once()
    weights = Binding.objects.filter(resource__name=POOL).order_by("key").values_list("good__state__weight", flat=True)
    assert list(weights) == [50, 250, 100]
