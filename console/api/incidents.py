"""Incidents, and everything that happened in one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.conf import settings
from ninja import Query, Router, Schema

from console.api.bearer import CallerRequest
from console.api.doors import enter, enter_incident
from console.api.scoped import reads
from console.incident_words import sentence_of
from incidents.models import Incident
from incidents.selectors.incident_events import Event, Show, scope_of
from incidents.selectors.incidents import Line, read_incidents, read_timeline

router = Router(tags=["incidents"])
# As many digits as a key of a row may have.
LARGEST_KEY = 10**15 - 1
LONGEST_PLACE = 140


class IncidentOut(Schema):
    """One incident; `by` is empty where measurements or a run opened it."""

    reference: str
    opened_at: datetime
    closed_at: datetime | None
    because: str
    by: str
    runs: int


class IncidentsOut(Schema):
    """Incidents, the newest first; `next` is what to send as `before` for the rest, 0 where this is all."""

    incidents: list[IncidentOut]
    next: int


class EventOut(Schema):
    """One line of the timeline; `says` is its sentence, `text` what a person typed."""

    id: str
    at: datetime
    kind: str
    by: str
    code: str
    what: str
    count: int
    says: str
    text: str
    run: str
    corrects: int
    corrected_by: int


class TimelineOut(Schema):
    """An incident with its events, the newest first; `next` is what to send as `at` for the rest, empty if none."""

    reference: str
    organization: str
    opened_at: datetime
    closed_at: datetime | None
    because: str
    closed_because: str
    events: list[EventOut]
    next: str


@router.get(
    "/organizations/{slug:slug}/incidents",
    url_name="api-incidents",
    operation_id="incidents",
    response=IncidentsOut,
    **reads(),
)
def listed(request: CallerRequest, slug: str, before: Annotated[int, Query(ge=0, le=LARGEST_KEY)] = 0) -> IncidentsOut:
    """The incidents of an organization, the newest first."""
    lines, rest = read_incidents(enter(request, slug).row, before)
    return IncidentsOut(incidents=[_line(line) for line in lines], next=rest)


@router.get(
    "/incidents/{slug:reference}", url_name="api-incident", operation_id="incident", response=TimelineOut, **reads()
)
def read(
    request: CallerRequest,
    reference: str,
    show: Show = "all",
    at: Annotated[str, Query(max_length=LONGEST_PLACE)] = "",
) -> TimelineOut:
    """Everything that happened: what was measured, what runs did, and what people said."""
    row = enter_incident(request, reference)
    timeline = read_timeline(scope_of(row), show, at)
    return _of(row, [_event(event) for event in timeline.events], timeline.rest)


def _of(row: Incident, events: list[EventOut], rest: str) -> TimelineOut:
    return TimelineOut(
        reference=row.reference,
        organization=row.organization.slug,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        because=row.because,
        closed_because=row.closed_because,
        events=events,
        next=rest,
    )


def _line(line: Line) -> IncidentOut:
    return IncidentOut(
        reference=line.reference,
        opened_at=line.opened_at,
        closed_at=line.closed_at,
        because=line.because,
        by=line.by,
        runs=line.runs,
    )


def _event(event: Event) -> EventOut:
    return EventOut(
        id=event.id,
        at=event.at,
        kind=event.kind,
        by=event.by,
        code=event.code,
        what=event.what,
        count=event.count,
        says=sentence_of(event, settings.OPERATOR_NAME).text,
        text=event.text,
        run=event.run,
        corrects=event.corrects,
        corrected_by=event.corrected_by,
    )
