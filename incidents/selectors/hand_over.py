"""What whoever takes over an incident must know: what is broken, what was done, what is under way, and who is on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Min, QuerySet

from incidents.domain.approvals import State
from incidents.domain.diagnosis import Damage
from incidents.models import (
    Approval,
    CallerConsent,
    Diagnosis,
    EngineerEntry,
    Incident,
    IncidentNote,
    Resource,
    Run,
)
from incidents.selectors.acting import Pause, behalf, read_pauses
from incidents.selectors.runs import verb_of, what

# Of each kind; the rest is counted.
MOST = 10


@dataclass(frozen=True, slots=True)
class Broken:
    """A resource that is not as it should be; `repair` is the action that could help, empty where none can."""

    name: str
    damage: Damage
    since: datetime
    repair: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run: what is done to what, by whom, and how it stands."""

    reference: str
    verb: str
    what: str
    by: str
    at: datetime
    phase: str
    outcome: str
    because: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an engineer; `by` is who has taken it, empty while nobody has."""

    name: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """The summary.

    Args:
        total: how many resources the organization has, and `broken_total` how many of them are not as they should be.
        done, under_way: runs, the newest first; `done_total` how many have ended.
        people: who started something or wrote something, and who acts for a caller now.
        approvals: how many plans wait for a second person.
    """

    total: int
    broken: tuple[Broken, ...]
    broken_total: int
    done: tuple[RunLine, ...]
    done_total: int
    under_way: tuple[RunLine, ...]
    people: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    approvals: int
    pauses: tuple[Pause, ...]


def read_hand_over(incident: Incident, now: datetime) -> HandOver:
    """Eleven queries, however much has happened."""
    organization = incident.organization
    diagnoses = Diagnosis.objects.filter(resource__organization=organization, until=None).exclude(damage=Damage.HEALTHY)
    ended = Run.objects.filter(incident=incident).exclude(ended_at=None)
    live = Run.objects.filter(incident=incident, ended_at=None)
    rows = diagnoses.order_by("since", "resource__name").values_list("resource__name", "damage", "since", "repair")
    return HandOver(
        total=Resource.objects.filter(organization=organization).count(),
        broken=tuple(Broken(name, Damage(damage), since, repair) for name, damage, since, repair in rows[:MOST]),
        broken_total=diagnoses.count(),
        done=_lines(ended.order_by("-ended_at")),
        done_total=ended.count(),
        under_way=_lines(live.order_by("-accepted_at")),
        people=_people(incident, now),
        waiting=_waiting(incident),
        approvals=Approval.objects.filter(organization=organization, state=State.WAITING, expires_at__gt=now).count(),
        pauses=read_pauses(organization),
    )


def _lines(runs: QuerySet[Run]) -> tuple[RunLine, ...]:
    rows = runs.select_related("started_by", "organization").annotate(
        n=Count("locks", distinct=True), name=Min("locks__resource__name"), caller=F("plan__consent__caller")
    )
    return tuple(
        RunLine(
            row.reference,
            verb_of(row),
            what(row.n, row.name or "", row.action),
            behalf(str(row.started_by), row.organization.title, row.caller),
            row.ended_at or row.accepted_at,
            row.phase,
            row.outcome,
            row.because,
        )
        for row in rows[:MOST]
    )


def _people(incident: Incident, now: datetime) -> tuple[str, ...]:
    """Whoever did something in it last stands first. Three queries."""
    seen: dict[str, datetime] = {}
    started = Run.objects.filter(incident=incident).values_list("started_by__title").annotate(at=Max("accepted_at"))
    wrote = IncidentNote.objects.filter(incident=incident).values_list("by__title").annotate(at=Max("at"))
    acting = CallerConsent.objects.filter(organization=incident.organization, ended_at=None, expires_at__gt=now)
    for name, at in [
        *started.order_by("-at")[:MOST],
        *wrote.order_by("-at")[:MOST],
        *acting.values_list("staff__title", "began_at")[:MOST],
    ]:
        seen[name] = max(at, seen.get(name, at))
    return tuple(sorted(seen, key=lambda name: seen[name], reverse=True))[:MOST]


def _waiting(incident: Incident) -> tuple[Waiting, ...]:
    rows = EngineerEntry.objects.filter(resource__organization=incident.organization, closed_at=None)
    columns = rows.order_by("opened_at").values_list("resource__name", "opened_at", "taken_by__title")[:MOST]
    return tuple(Waiting(name, since, by or "") for name, since, by in columns)
