"""A freeze: new effects stop at once, nothing starts, and what goes back by itself waits until it is lifted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incidents.domain.errors import Refused
from incidents.domain.runs import Outcome, Phase
from incidents.engine.advance import advance
from incidents.engine.handing_back import hand_back_due
from incidents.lab.lab import Lab
from incidents.models import Attempt, Freeze, HandBack, Organization, Person, Run
from incidents.models.clock import database_now
from incidents.services.freeze import Over, lift, set_freeze
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.engine.pools import move_away, shares, time_is_over
from tests.scene import Scene, consent, set_scene

WHY = "We look at the routers"


def desk() -> Person:
    return Person.objects.get(username="support-desk")


def over(scope: str) -> Over:
    if scope == "organization":
        return Over(Freeze.Scope.ORGANIZATION, Organization.objects.get(slug="example-shop"))
    if scope == "action":
        return Over(Freeze.Scope.ACTION, action="readvertise_prefix")
    return Over(Freeze.Scope.EVERYONE)


@pytest.mark.parametrize("scope", ["everyone", "organization", "action"])
def test_nothing_starts_while_it_holds(scene: Scene, scope: str) -> None:
    scene.break_()
    plan = scene.propose()
    freeze = set_freeze(desk(), over(scope), WHY)
    with pytest.raises(Refused, match=f"paused by the support desk since .* UTC: {WHY}"):
        start(scene.operator, scene.organization, consent(plan))
    again = scene.propose()
    assert "guard.freeze" in {item["code"] for item in again.findings if item["severity"] == "blocker"}
    lift(desk(), freeze, "The routers are well")
    assert scene.carry_on(scene.start()).outcome == Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "elsewhere",
    [Over(Freeze.Scope.ACTION, action="revert_deploy"), "example-bank"],
    ids=["another action", "another organization"],
)
def test_what_it_does_not_cover_goes_on(scene: Scene, elsewhere: Over | str) -> None:
    if isinstance(elsewhere, str):
        elsewhere = Over(Freeze.Scope.ORGANIZATION, Organization.objects.get(slug=elsewhere))
    set_freeze(desk(), elsewhere, WHY)
    scene.break_()
    assert scene.carry_on(scene.start()).outcome == Outcome.SUCCEEDED


def test_a_live_run_ends_before_its_next_effect(db: None, world: Lab, tmp_path: Path) -> None:
    scene = set_scene(world, tmp_path, within_seconds="1")
    scene.break_()
    run = scene.start()
    scene.end_session("edge-a")
    run = scene.carry_on(run)
    assert run.phase == Phase.PAUSED
    set_freeze(desk(), over("everyone"), WHY)
    scene.mend_session("edge-a")
    for _ in range(3):
        advance(run.pk)
    run.refresh_from_db()
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.freeze")
    assert WHY in run.detail
    assert scene.visible() == ["edge-a"]
    assert not Attempt.objects.filter(target__run=run, target__stage=1).exists()


def test_it_wakes_the_runs_that_wait_and_no_others(scene: Scene) -> None:
    scene.break_()
    run, later = scene.start(), database_now() + timedelta(minutes=5)
    Run.objects.update(wake_at=later)
    set_freeze(desk(), Over(Freeze.Scope.ACTION, action="revert_deploy"), WHY)
    run.refresh_from_db()
    assert run.wake_at == later
    set_freeze(desk(), over("organization"), WHY)
    run.refresh_from_db()
    assert run.wake_at < later


def test_an_undo_waits_too(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    set_freeze(desk(), over("organization"), WHY)
    plan = propose_undo(scene.operator, run)
    assert "guard.freeze" in {item["code"] for item in plan.findings if item["severity"] == "blocker"}


def test_what_goes_back_by_itself_waits_and_comes_when_it_is_lifted(scene: Scene) -> None:
    run = move_away(scene)
    freeze = set_freeze(desk(), over("everyone"), WHY)
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.detail, row.done_by, row.ended_at) == ("guard.freeze", WHY, None, None)
    assert shares(scene)["edge-a"] == 0
    hand_back_due()
    assert Run.objects.filter(undo_of=run).count() == 0, "it was tried a moment ago"
    lift(desk(), freeze, "Go on")
    hand_back_due()
    back = HandBack.objects.get(run=run).done_by
    assert back is not None
    assert (scene.carry_on(back).outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 100)


def test_one_that_is_under_way_stops_and_is_tried_again(scene: Scene) -> None:
    run = move_away(scene)
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert row.done_by is not None
    freeze = set_freeze(desk(), over("everyone"), WHY)
    stopped = scene.carry_on(row.done_by)
    assert (stopped.outcome, stopped.because, shares(scene)["edge-a"]) == (Outcome.STOPPED, "guard.freeze", 0)
    time_is_over(run)
    hand_back_due()
    lift(desk(), freeze, "Go on")
    hand_back_due()
    row.refresh_from_db()
    assert row.done_by is not None
    assert scene.carry_on(row.done_by).outcome == Outcome.SUCCEEDED
    assert shares(scene)["edge-a"] == 100
