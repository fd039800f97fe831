"""What the sweep asks the database."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection

from django.db import close_old_connections
from django.db.models import F, Min
from django.db.models.functions import Greatest, Now

from incidents.domain.runs import Phase
from incidents.engine.advance import advance
from incidents.models import Run
from incidents.models.clock import database_now

logger = logging.getLogger(__name__)


def due_runs(most: int) -> list[uuid.UUID]:
    """Live runs whose time has come and whom nobody holds, the longest waiting first."""
    due = Run.objects.exclude(phase=Phase.ENDED).filter(wake_at__lte=Now(), lease_until__lte=Now())
    return list(due.order_by("wake_at").values_list("pk", flat=True)[:most])


def seconds_to_next(except_for: Collection[uuid.UUID] = ()) -> float:
    """Seconds until the next live run is due, but for those that are queued here; infinite when there is none.

    A quarter at least, so that a sweep never spins.
    """
    live = Run.objects.exclude(phase=Phase.ENDED).exclude(pk__in=except_for)
    next_at = live.aggregate(at=Min(Greatest(F("wake_at"), F("lease_until"))))["at"]
    return float("inf") if next_at is None else max(0.25, (next_at - database_now()).total_seconds())


def advance_and_close(run_id: uuid.UUID) -> None:
    """Carries one run on in a thread of its own, and leaves no connection behind that is no good."""
    try:
        advance(run_id)
    except Exception:  # a database that is away: nobody waits for this thread, and the next sweep tries again
        logger.exception("run %s could not be claimed", run_id)
    finally:
        close_old_connections()
