"""Whether a run may be undone, until when, and from when that is safe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from incidents.domain.kinds import Kind
from incidents.domain.runs import Outcome
from incidents.models import Run
from incidents.selectors.away import Away


@dataclass(frozen=True, slots=True)
class Undoing:
    """
    Args:
        until: until when it may be undone; None when there is nothing to undo.
        safe_from: from when that is safe, for other networks could ignore a prefix that is withdrawn at once; None
            where it is safe now.
        by: reference of the newest undo that is under way or has succeeded; empty when there is none.
    """

    until: datetime | None
    safe_from: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may be undone, how long a prefix should stay as it is, and what kinds of things were changed."""

    undo: timedelta
    flap: timedelta
    kinds: tuple[Kind, ...]


def read_undoing(run: Run, done: int, away: Away | None, limits: Limits, now: datetime) -> Undoing:
    """One query.

    Args:
        done: how many targets the run itself put in place.
        away: the run's promise that it comes back by itself; while that is open it may be brought back at any time.
    """
    # An undo that has failed, or was stopped, has undone nothing that could be relied on.
    undos = Run.objects.filter(undo_of=run).filter(Q(ended_at=None) | Q(outcome=Outcome.SUCCEEDED))
    by = undos.order_by("-accepted_at").values_list("reference", flat=True).first()
    return Undoing(_until(run, done, away, limits, now), _safe_from(run, limits, now), by or "")


def _until(run: Run, done: int, away: Away | None, limits: Limits, now: datetime) -> datetime | None:
    if run.ended_at is None or not done:
        return None
    if away is not None:
        return away.until if away.ended_at is None else None
    until = run.ended_at + limits.undo
    return until if now < until else None


def _safe_from(run: Run, limits: Limits, now: datetime) -> datetime | None:
    """RFC 7196: a route that is withdrawn soon after it was announced may be suppressed."""
    if Kind.PREFIX not in limits.kinds or run.ended_at is None or run.undo_of_id is not None:
        return None
    safe = run.ended_at + limits.flap
    return safe if safe > now else None
