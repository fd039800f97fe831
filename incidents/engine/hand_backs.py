"""The promise that a change goes back by itself: made with its run, kept in a row until it is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from incidents.domain.changes import State
from incidents.domain.runs import Outcome
from incidents.engine.made import states_of
from incidents.models import HandBack, Run, Target


def promise(run: Run, due_at: datetime) -> None:
    """What this run changes is put back at that time. Call it in the transaction that makes the run."""
    HandBack.objects.create(run=run, due_at=due_at, try_at=due_at)


def settle(run: Run, outcome: Outcome, now: datetime) -> None:
    """When a run has put back what was promised, by itself or by a person's undo, the promise is kept."""
    if outcome is Outcome.SUCCEEDED and run.undo_of_id is not None:
        open_rows = HandBack.objects.filter(Q(done_by=run) | Q(run=run.undo_of_id), ended_at=None)
        open_rows.update(done_by=run, ended_at=now, because="", detail="")

    if not Target.objects.filter(run=run, attempts__gt=0).exists():
        open_row = HandBack.objects.filter(run=run, ended_at=None)
        open_row.update(ended_at=now, because="hand-back.nothing-changed", detail="")


def supersede(run: Run, bindings: Iterable[str], now: datetime) -> None:
    """Another run changes what was promised to come back: from then on that run says how it is.

    Call it in the transaction that commits its intents. A run that itself is for a while leaves older promises alone.
    """
    touched = Target.objects.filter(binding__in=[int(binding) for binding in bindings], attempts__gt=0)
    HandBack.objects.filter(ended_at=None, run__in=touched.values("run")).exclude(
        Q(run=run) | Q(run=run.undo_of_id) | Q(done_by=run)
    ).update(ended_at=now, because="hand-back.superseded", detail=f"By {run.reference}.")


def states_away() -> dict[str, list[State]]:
    """Id of a binding that is changed for a while only -> the states that the run which did it may have left."""
    rows = HandBack.objects.filter(ended_at=None).select_related("run__plan")
    return states_of([row.run for row in rows])
