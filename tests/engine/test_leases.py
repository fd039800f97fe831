"""Who may advance a run: one owner at a time, and an owner that froze writes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models import F

from incidents.domain.errors import Fenced
from incidents.domain.runs import Outcome, Phase
from incidents.engine.advance import MOST_CRASHES, advance
from incidents.engine.due import due_runs, seconds_to_next
from incidents.engine.leases import LEASE, Claim, Overtaken, claim
from incidents.models import AuditEntry, Run
from tests.scene import EDGES, Scene


def let_go(held: Claim, at: datetime) -> bool:
    return held.release(at, phase=Phase.RUNNING, because="verdict.pending")


@pytest.fixture
def run(scene: Scene) -> Run:
    scene.break_()
    return scene.start()


def lapse(run: Run) -> None:
    """The owner has said nothing for longer than its lease."""
    Run.objects.filter(pk=run.pk).update(lease_until=F("lease_until") - LEASE - timedelta(seconds=1))


def test_one_owner_at_a_time(run: Run) -> None:
    assert claim(run.pk) is not None
    assert claim(run.pk) is None


def test_a_dead_owner_is_replaced_and_fenced(run: Run) -> None:
    frozen = claim(run.pk)
    assert frozen is not None
    lapse(run)
    second = claim(run.pk)
    assert second is not None
    assert second.epoch == frozen.epoch + 1
    with pytest.raises(Fenced):
        frozen.write(because="never")
    with pytest.raises(Fenced):
        frozen.write(unless_overtaken=True)
    assert not let_go(frozen, frozen.now())
    run.refresh_from_db()
    assert run.because == ""
    second.write(because="verdict.pending")


def test_a_pass_that_was_overtaken_changes_nothing(run: Run, scene: Scene) -> None:
    """The owner freezes between its decision and the intent; another one finishes; the first one wakes up."""
    from incidents.domain.decisions import Apply
    from incidents.engine import targets
    from incidents.engine.passes import begin_pass
    from incidents.engine.stages import begin

    held = claim(run.pk)
    assert held is not None
    opened = begin_pass(held)
    begin(opened)
    lapse(run)
    scene.carry_on(run)
    count, performed = AuditEntry.objects.count(), [scene.performed(edge) for edge in EDGES]
    with pytest.raises(Fenced):
        targets.apply(opened, Apply(tuple(opened.aims)))
    assert AuditEntry.objects.count() == count
    assert [scene.performed(edge) for edge in EDGES] == performed


def test_what_a_person_wrote_is_noticed_before_the_run_is_let_go(run: Run) -> None:
    held = claim(run.pk)
    assert held is not None
    Run.objects.filter(pk=run.pk).update(stop_asked_at=run.accepted_at, version=F("version") + 1)
    assert not let_go(held, held.now() + timedelta(minutes=1))
    with pytest.raises(Overtaken):
        held.write(unless_overtaken=True)
    held.write()


def test_a_run_that_kills_its_owners_is_quarantined(run: Run, scene: Scene) -> None:
    for _ in range(MOST_CRASHES + 1):
        assert claim(run.pk) is not None
        lapse(run)
    advance(run.pk)
    run.refresh_from_db()
    assert (run.phase, run.outcome, run.because) == (Phase.ENDED, Outcome.ERRORED, "engine.quarantined")
    assert scene.visible() == []


def test_a_pass_that_ends_well_is_no_crash(run: Run) -> None:
    for _ in range(MOST_CRASHES + 2):
        held = claim(run.pk)
        assert held is not None
        assert let_go(held, held.now())
    held = claim(run.pk)
    assert held is not None
    run.refresh_from_db()
    assert run.crashes == 0


def test_the_sweep_finds_what_is_due_and_what_is_orphaned(run: Run) -> None:
    assert due_runs(10) == [run.pk]
    held = claim(run.pk)
    assert held is not None
    assert due_runs(10) == []
    assert 0 < seconds_to_next() <= LEASE.total_seconds()
    lapse(run)
    assert due_runs(10) == [run.pk]
    held = claim(run.pk)
    assert held is not None
    let_go(held, held.now() + timedelta(seconds=60))
    assert due_runs(10) == []
    assert 50 < seconds_to_next() <= 60
    Run.objects.update(phase=Phase.ENDED)
    assert seconds_to_next() == float("inf")
