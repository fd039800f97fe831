"""The promise that a change goes back by itself: made with its run, kept in a row until it is done."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from incidents.domain.runs import Outcome
from incidents.models import HandBack, Run, Target


def promise(run: Run, due_at: datetime) -> None:
    """What this run changes is put back at that time. Call it in the transaction that makes the run."""
    HandBack.objects.create(run=run, due_at=due_at, try_at=due_at)


def settle(run: Run, outcome: Outcome, now: datetime) -> None:
    """When a run has put back what was promised, by itself or by a person's undo, the promise is kept."""
    if outcome is Outcome.SUCCEEDED and run.undo_of_id is not None:
        open_rows = HandBack.objects.filter(Q(done_by=run) | Q(run=run.undo_of_id), ended_at=None)
        open_rows.update(done_by=run, ended_at=now, because="", detail="")


def bindings_away() -> frozenset[int]:
    """Ids of the bindings that are changed for a while only, by a run whose hand-back is still to come."""
    rows = Target.objects.filter(run__hand_back__isnull=False, run__hand_back__ended_at=None, attempts__gt=0)
    return frozenset(rows.filter(binding__isnull=False).values_list("binding__pk", flat=True))
