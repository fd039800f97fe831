"""What is moved away for a time comes home by itself, whatever happens meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.actions.base import Wish
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.handing_back import hand_back_due
from incidents.engine.poller import poll_once
from incidents.models import AuditEntry, Binding, HandBack, Run
from incidents.services import hand_backs
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.engine.pools import ORIGINS, POOL, against, events, move_away, plan, put, shares, time_is_over
from tests.scene import Scene, consent


def test_traffic_that_was_moved_away_comes_back_by_itself_and_is_audited(scene: Scene) -> None:
    run = move_away(scene)
    assert (run.outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 0)
    hand_back_due()
    assert shares(scene)["edge-a"] == 0, "its time is not over"
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert row.done_by is not None
    back = scene.carry_on(row.done_by)
    row.refresh_from_db()
    assert (back.outcome, shares(scene)) == (Outcome.SUCCEEDED, dict.fromkeys(ORIGINS, 100))
    assert row.ended_at is not None
    assert "hand-back.began" in events(run)
    assert [entry.event for entry in AuditEntry.objects.filter(run=str(back.pk))][-1] == "run.succeeded"


def test_it_comes_back_once_however_many_workers_look(scene: Scene) -> None:
    run = move_away(scene)
    time_is_over(run)
    for _ in range(3):
        hand_back_due()
    assert Run.objects.filter(undo_of=run).count() == 1


def test_it_comes_back_even_when_its_person_may_do_nothing_any_more(scene: Scene) -> None:
    run = move_away(scene)
    scene.operator.groups.clear()
    time_is_over(run)
    hand_back_due()
    back = scene.carry_on(HandBack.objects.get(run=run).done_by)  # type: ignore[arg-type]
    assert (back.outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 100)


def test_while_it_is_away_that_is_no_damage_and_never_known_good(scene: Scene) -> None:
    binding = Binding.objects.get(key=ORIGINS["edge-a"])
    run = move_away(scene)
    for _ in range(3):
        poll_once()
    assert scene.damage(POOL) == "healthy"
    assert Binding.objects.get(pk=binding.pk).good_id == binding.good_id
    hand_backs.extend(scene.operator, run, 1)
    assert scene.damage(POOL) == "healthy"


def test_what_somebody_has_put_back_meanwhile_needs_nothing(scene: Scene) -> None:
    run = move_away(scene)
    put(scene, "edge-a", 100)
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at is not None, row.done_by) == ("hand-back.already-back", True, None)


def test_what_somebody_has_changed_to_something_else_is_left_alone(scene: Scene) -> None:
    run = move_away(scene)
    put(scene, "edge-a", 7)
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at is not None) == ("hand-back.changed-by-others", True)
    assert shares(scene)["edge-a"] == 7
    assert events(run)[-1] == "hand-back.ended"


def test_a_backend_that_is_silent_is_tried_again_and_said_once(scene: Scene) -> None:
    run = move_away(scene)
    scene.lab.mode("balancer", "hang")
    for _ in range(2):
        time_is_over(run)
        hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at, row.tries) == ("backend.unreachable", None, 2)
    assert row.try_at > timezone.now() + timedelta(seconds=30)
    assert events(run).count("hand-back.waits") == 1
    scene.lab.mode("balancer", "ok")
    time_is_over(run)
    hand_back_due()
    row.refresh_from_db()
    assert row.done_by is not None


def test_a_person_may_bring_it_back_sooner(scene: Scene) -> None:
    run = move_away(scene)
    scene.carry_on(start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run))))
    assert shares(scene)["edge-a"] == 100
    assert HandBack.objects.get(run=run).ended_at is not None
    with pytest.raises(Refused, match="come back already"):
        hand_backs.extend(scene.operator, run, 60)


def test_a_hand_back_is_not_undone_for_good(scene: Scene) -> None:
    run = move_away(scene)
    time_is_over(run)
    hand_back_due()
    back = scene.carry_on(HandBack.objects.get(run=run).done_by)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="choose a location and a time"):
        propose_undo(scene.operator, back)


@pytest.mark.parametrize("minutes", [0, -1, 72 * 60 + 1])
def test_the_time_is_never_moved_beyond_its_limits(scene: Scene, minutes: int) -> None:
    run = move_away(scene)
    due = HandBack.objects.get(run=run).due_at
    with pytest.raises(Refused, match="1 minute to 72 hours"):
        hand_backs.extend(scene.operator, run, minutes)
    assert HandBack.objects.get(run=run).due_at == due


def test_the_time_is_moved_by_whoever_may_and_that_is_audited(scene: Scene) -> None:
    run = move_away(scene)
    with pytest.raises(NotAllowed):
        hand_backs.extend(scene.viewer, run, 120)
    hand_backs.extend(scene.operator, run, 120)
    row = HandBack.objects.get(run=run)
    assert timedelta(minutes=119) < row.due_at - timezone.now() <= timedelta(minutes=120)
    assert events(run)[-1] == "hand-back.extended"


def test_a_second_location_is_not_emptied_when_too_little_would_be_left(scene: Scene) -> None:
    move_away(scene, "edge-a")
    assert against(plan(scene, "shift_traffic_away", Wish("edge-b", 60))) == ["guard.capacity"]


def test_a_run_that_moved_nothing_brings_nothing_back(scene: Scene) -> None:
    made = plan(scene, "shift_traffic_away", Wish("edge-a", 60))
    run = start(scene.operator, scene.organization, consent(made))
    Run.objects.filter(pk=run.pk).update(stop_asked_at=timezone.now(), stop_asked_by=scene.operator)
    run = scene.carry_on(run)
    assert (run.phase, run.outcome) == (Phase.ENDED, Outcome.STOPPED)
    time_is_over(run)
    hand_back_due()
    assert HandBack.objects.get(run=run).because == "hand-back.nothing-changed"


def test_a_hand_back_that_ended_half_way_is_taken_up_again(scene: Scene) -> None:
    run = move_away(scene)
    time_is_over(run)
    hand_back_due()
    back = HandBack.objects.get(run=run).done_by
    assert back is not None
    Run.objects.filter(pk=back.pk).update(phase=Phase.ENDED, outcome=Outcome.EXPIRED, ended_at=timezone.now())
    back.locks.update(live=False)
    back.targets.filter(stage=0).update(attempts=1, step=Step.VERIFIED)
    put(scene, "edge-a", 50)
    time_is_over(run)
    hand_back_due()
    again = HandBack.objects.get(run=run).done_by
    assert again is not None
    assert again.pk != back.pk
    assert (scene.carry_on(again).outcome, shares(scene)["edge-a"]) == (Outcome.SUCCEEDED, 100)


def test_what_has_left_the_inventory_holds_no_promise_open(scene: Scene) -> None:
    run = move_away(scene)
    Binding.objects.filter(key=ORIGINS["edge-a"]).update(key="web/another")
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at is not None, row.done_by) == ("hand-back.place-gone", True, None)


def test_traffic_that_is_shifted_back_by_hand_ends_the_promise(scene: Scene) -> None:
    run = move_away(scene)
    scene.carry_on(start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back"))))
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at is not None) == ("hand-back.superseded", True)
    put(scene, "edge-a", 0)
    poll_once()
    assert scene.damage(POOL) == "misrouted"


def test_other_damage_is_not_excused_while_traffic_is_away(scene: Scene) -> None:
    move_away(scene)
    put(scene, "edge-b", 0)
    poll_once()
    assert scene.damage(POOL) == "misrouted"


def test_a_persons_stop_of_a_hand_back_is_heeded_for_an_hour_and_never_for_good(scene: Scene) -> None:
    run = move_away(scene)
    time_is_over(run)
    hand_back_due()
    back = HandBack.objects.get(run=run).done_by
    assert back is not None
    Run.objects.filter(pk=back.pk).update(stop_asked_at=timezone.now(), stop_asked_by=scene.operator)
    scene.carry_on(back)
    time_is_over(run)
    hand_back_due()
    row = HandBack.objects.get(run=run)
    assert (row.because, row.ended_at) == ("hand-back.stopped", None)
    assert timedelta(minutes=59) < row.due_at - timezone.now() <= timedelta(hours=1)
    hand_back_due()
    assert Run.objects.filter(undo_of=run).count() == 1
    time_is_over(run)
    hand_back_due()
    assert Run.objects.filter(undo_of=run).count() == 2


def test_a_run_that_fails_ends_nobodys_promise(scene: Scene) -> None:
    run = move_away(scene)
    other = start(scene.operator, scene.organization, consent(plan(scene, "shift_traffic_back")))
    scene.lab.mode("balancer", "refuse", only="apply")
    assert scene.carry_on(other).outcome == Outcome.FAILED
    scene.lab.mode("balancer", "ok")
    assert HandBack.objects.get(run=run).ended_at is None


def test_another_locations_repair_leaves_alone_what_is_away_on_purpose(scene: Scene) -> None:
    run = move_away(scene, "edge-a")
    put(scene, "edge-c", 0)
    poll_once()
    made = plan(scene, "shift_traffic_back")
    assert {item["subject"] for item in made.findings if item["code"] == "guard.away"} == {POOL}
    scene.carry_on(start(scene.operator, scene.organization, consent(made)))
    assert shares(scene) == {"edge-a": 0, "edge-b": 100, "edge-c": 100}
    assert HandBack.objects.get(run=run).ended_at is None


def test_a_location_is_not_moved_away_from_twice(scene: Scene) -> None:
    move_away(scene, "edge-a")
    assert against(plan(scene, "shift_traffic_away", Wish("edge-a", 480))) == ["guard.away"]


def test_moving_away_takes_no_longer_than_it_shall_stay_away(scene: Scene) -> None:
    made = plan(scene, "shift_traffic_away", Wish("edge-a", 1))
    run = start(scene.operator, scene.organization, consent(made))
    assert run.deadline_at <= HandBack.objects.get(run=run).due_at
