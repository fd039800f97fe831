"""What a timeline consists of: events, whose they are and of which time, and sources that give them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from django.db.models import Min, Q, QuerySet

from incidents.domain.diagnosis import SERIOUS
from incidents.models import Diagnosis, Incident, Organization

Show = Literal["all", "people", "runs", "measurements"]
# Rows of a model, or groups of them.
Rows: TypeAlias = "QuerySet[Any, Any]"
# What began longer ago than this, before the incident was opened, is not what it is about.
BEFORE = timedelta(days=1)
Kind = Literal[
    "diagnosis", "measurement", "run.accepted", "run.sent", "run.checked", "run.overruled", "run.stop", "run.ended",
    "approval.asked", "approval.decided", "freeze.set", "freeze.lifted", "breaker.opened", "breaker.closed",
    "note", "incident.opened", "incident.closed", "incident.reopened",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline.

    Args:
        id: stable and unique within the incident; of letters, digits, dots and hyphens.
        by: how the person is called who did it, and for whom; empty for the machine.
        code: damage, mark, outcome, action or state, as the kind has it.
        what: what it is about by name; one of them where `count` says that there are more.
        count: how many of them.
        text: in the words of the person, as they were typed; may hold anything.
        run: reference of the run; empty where it is about none.
        note, author: id of the note and of the account that wrote it; 0 and empty where it is none.
        corrects, corrected_by: ids of the notes in whose place it stands, and that stands in its place; 0 for none.
    """

    id: str
    at: datetime
    kind: Kind
    by: str = ""
    code: str = ""
    what: str = ""
    count: int = 0
    text: str = ""
    run: str = ""
    note: int = 0
    author: str = ""
    corrects: int = 0
    corrected_by: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events, and of which time; `until` is None while the incident goes on."""

    incident: Incident
    organization: Organization
    since: datetime
    until: datetime | None

    def within(self, field: str) -> Q:
        end = Q(**{f"{field}__lte": self.until}) if self.until else Q()
        return Q(**{f"{field}__gte": self.since}) & end


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of event.

    Args:
        shows: the filters by which it is shown; by `all` always.
        field: the column of its time, after which it is ordered.
        rows: everything of this kind in a scope.
        event: makes an event of a row.
    """

    shows: frozenset[Show]
    field: str
    rows: Callable[[Scope], Rows]
    event: Callable[[Any], Event]

    def read(self, scope: Scope, at: datetime | None, most: int, *, oldest: bool) -> Iterable[Event]:
        """At most so many, from that moment on in the order that is asked for. One query."""
        rows = self.rows(scope).filter(**{f"{self.field}__isnull": False})
        if at is not None:
            rows = rows.filter(**{f"{self.field}__{'gte' if oldest else 'lte'}": at})
        return map(self.event, rows.order_by(self.field if oldest else f"-{self.field}")[:most])


def scope_of(incident: Incident) -> Scope:
    """From when what it is about began, the oldest damage that stood when it was opened, until it was closed."""
    standing = Diagnosis.objects.filter(
        Q(until=None) | Q(until__gte=incident.opened_at),
        resource__organization=incident.organization_id,
        damage__in=[str(damage) for damage in SERIOUS],
        since__lte=incident.opened_at,
        since__gte=incident.opened_at - BEFORE,
    )
    first: datetime | None = standing.aggregate(at=Min("since"))["at"]
    return Scope(incident, incident.organization, first or incident.opened_at, incident.closed_at)
