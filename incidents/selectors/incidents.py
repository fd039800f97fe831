"""The timeline of an incident, a page at a time, and the incidents of an organization."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from django.db.models import Count, F, Q, Sum

from incidents.domain.diagnosis import SERIOUS
from incidents.models import Diagnosis, Incident, IncidentNote, Organization, Resource, ResourceLock, Run
from incidents.selectors.incident_events import Event, Scope, Show, scope_of
from incidents.selectors.incident_sources import SOURCES

PAGE = 50
# A file holds so many; it says where the rest is.
MOST_IN_FILE = 10_000
# Events of one kind at one microsecond; a round of the poller makes one event of everything that it finds.
AT_ONCE = 50
# The picture of an incident is about so many of the things that were broken.
MOST_HARMED = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACE = re.compile(r"(\d{1,17})\.([A-Za-z0-9._-]{1,120})")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some events in one order of time; `rest` is the place where the others begin, empty where there are none."""

    events: tuple[Event, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class Line:
    """One incident in the list of an organization; `by` is empty where measurements or a run opened it."""

    reference: str
    opened_at: datetime
    closed_at: datetime | None
    because: str
    by: str
    runs: int
    key: int


def place_of(event: Event) -> str:
    """Where the event stands, for a link: a page that begins there shows it first."""
    return f"{(event.at - EPOCH) // timedelta(microseconds=1)}.{event.id}"


def read_timeline(
    scope: Scope, show: Show = "all", place: str = "", *, oldest: bool = False, most: int = PAGE
) -> Timeline:
    """At most so many events from a place on; from the beginning where there is no such place. One query a source."""
    parsed = _parse(place)
    found = [
        event
        for source in SOURCES
        if show == "all" or show in source.shows
        for event in source.read(scope, parsed[0] if parsed else None, most + AT_ONCE, oldest=oldest)
    ]
    found.sort(key=attrgetter("at", "id"), reverse=not oldest)
    if parsed is not None:
        found = [one for one in found if ((one.at, one.id) >= parsed if oldest else (one.at, one.id) <= parsed)]
    return Timeline(tuple(found[:most]), place_of(found[most]) if len(found) > most else "")


def read_file(incident: Incident, show: Show = "all", place: str = "", most: int = MOST_IN_FILE) -> Timeline:
    """The whole of it for a file, the oldest first."""
    scope = scope_of(incident)
    events: list[Event] = []
    while True:
        part = read_timeline(scope, show, place, oldest=True, most=min(1000, most - len(events)))
        events += part.events
        place = part.rest
        if not place or len(events) >= most:
            return Timeline(tuple(events), place)


def version_of(incident: Incident) -> int:
    """Grows with what its runs do; what else happens shows in the version of the organization. One query."""
    total: int | None = Run.objects.filter(incident=incident).aggregate(n=Sum("version"))["n"]
    return total or 0


def read_harmed(scope: Scope, most: int = MOST_HARMED) -> dict[uuid.UUID, str]:
    """What was broken in that time, or changed by its runs: names by id, at most so many. One query."""
    broken = Diagnosis.objects.filter(
        Q(until=None) | Q(until__gte=scope.since), damage__in=[str(damage) for damage in SERIOUS]
    )
    if scope.until:
        broken = broken.filter(since__lte=scope.until)
    changed = ResourceLock.objects.filter(run__incident=scope.incident)
    rows = Resource.objects.filter(
        Q(pk__in=broken.values("resource")) | Q(pk__in=changed.values("resource")), organization=scope.organization
    )
    return dict(rows.order_by("name").values_list("pk", "name")[:most])


def find_note(incident: Incident, note_id: int) -> IncidentNote | None:
    """The note of that id, where it is one of this incident."""
    return IncidentNote.objects.filter(incident=incident, pk=note_id).select_related("corrected_by").first()


def read_incidents(organization: Organization, before: int = 0, most: int = PAGE) -> tuple[tuple[Line, ...], int]:
    """The newest first, and the key before which the rest stands, 0 for none. One query."""
    rows = Incident.objects.filter(organization=organization).annotate(n=Count("runs"), who=F("declared_by__title"))
    if before:
        rows = rows.filter(pk__lt=before)
    lines = tuple(
        Line(row.reference, row.opened_at, row.closed_at, row.because, row.who or "", row.n, row.pk)
        for row in rows.order_by("-pk")[: most + 1]
    )
    return lines[:most], lines[most - 1].key if len(lines) > most else 0


def _parse(place: str) -> tuple[datetime, str] | None:
    found = PLACE.fullmatch(place)
    return (EPOCH + timedelta(microseconds=int(found[1])), found[2]) if found else None
