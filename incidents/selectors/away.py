"""What was moved for a while only, and when it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.models import HandBack, Organization, Run, Target


@dataclass(frozen=True, slots=True)
class Away:
    """The traffic of one pool that is away from a location.

    Args:
        run: reference of the run that moved it.
        until: when it comes back by itself.
        because, detail: why it could not be brought back when it was tried last, or why nothing was to be done.
        back_by: reference of the run that brings, or brought, it back; empty before, and while none is under way.
        ended_at: when the promise was kept, or fell away; None while it is open.
    """

    run: str
    name: str
    location: str
    until: datetime
    because: str
    detail: str
    back_by: str
    ended_at: datetime | None


def read_all_away(organization: Organization) -> tuple[Away, ...]:
    """Everything of the organization that is still to come back, the soonest first. Two queries, mostly one."""
    rows = HandBack.objects.filter(run__organization=organization, ended_at=None)
    found = list(rows.select_related("run", "done_by").order_by("due_at")[:20])
    if not found:
        return ()
    places = _places([row.run for row in found])
    # A run that has not sent anything yet, or never will, has moved nothing.
    return tuple(_away(row, *places[row.run_id]) for row in found if row.run_id in places)


def read_away(run: Run) -> Away | None:
    """The promise of this run; None where it made none. One query, two where it did."""
    row = HandBack.objects.filter(run=run).select_related("run", "done_by").first()
    if row is None:
        return None
    return _away(row, *_places([run]).get(run.pk, ("", "")))


def _away(row: HandBack, name: str, location: str) -> Away:
    return Away(
        run=row.run.reference,
        name=name,
        location=location,
        until=row.due_at,
        because=row.because,
        detail=row.detail,
        back_by=row.done_by.reference if row.done_by and (row.done_by.is_live or row.ended_at) else "",
        ended_at=row.ended_at,
    )


def _places(runs: list[Run]) -> dict[object, tuple[str, str]]:
    rows = Target.objects.filter(run__in=runs, attempts__gt=0).order_by("-index")
    return {run: (name, title) for run, name, title in rows.values_list("run_id", "resource__name", "location__title")}
