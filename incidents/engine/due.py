"""What the sweep asks the database."""

from __future__ import annotations

import uuid

from django.db import close_old_connections
from django.db.models import F, Min
from django.db.models.functions import Greatest, Now

from incidents.domain.runs import Phase
from incidents.engine.advance import advance
from incidents.engine.clock import database_now
from incidents.models import Run


def due_runs(most: int) -> list[uuid.UUID]:
    """Live runs whose time has come and whom nobody holds, the longest waiting first."""
    due = Run.objects.exclude(phase=Phase.ENDED).filter(wake_at__lte=Now(), lease_until__lte=Now())
    return list(due.order_by("wake_at").values_list("pk", flat=True)[:most])


def seconds_to_next() -> float:
    """Seconds until the next live run is due; a hundredth at least, so that a sweep never spins."""
    live = Run.objects.exclude(phase=Phase.ENDED)
    next_at = live.aggregate(at=Min(Greatest(F("wake_at"), F("lease_until"))))["at"]
    return float("inf") if next_at is None else max(0.01, (next_at - database_now()).total_seconds())


def advance_and_close(run_id: uuid.UUID) -> None:
    """Carries one run on in a thread of its own, and leaves no connection behind that is no good."""
    try:
        advance(run_id)
    finally:
        close_old_connections()
