"""What the home page of an organization shows: what is broken, what can be done about it, what was done lately.

Every function below is one query, so the page costs the same with 3 prefixes and with 200.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import FilteredRelation, Q

from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.engine.freshness import FRESH
from incidents.models import Incident, Look, Organization, Person, Resource, ResourceLock, Target
from incidents.selectors.acting import Acting, Pause, behalf, read_acting, read_pauses
from incidents.selectors.asking import first_names, who_may_use
from incidents.selectors.away import Away, read_all_away
from incidents.selectors.places import Places, read_places
from incidents.selectors.queue import Queued, usual_wait
from incidents.selectors.queue import read_places as read_queue_places
from incidents.selectors.remedies import Remedies, read_remedies
from incidents.selectors.runs import Line, newest_runs
from incidents.selectors.usual import Usual, usual_time

# Columns of an open diagnosis that a card tells, in the order of `Row`.
RESTORE_TO = "restore_to"
DIAGNOSIS = ("damage", "since", "repair", "repairable", "affected", "unseen", "unreachable")


@dataclass(frozen=True, slots=True)
class Live:
    """The run that is changing a resource now."""

    reference: str
    by: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """One resource that is not as it should be.

    Args:
        since: when it came into this damage state; None when it was never looked at.
        places: how many locations it has.
        unreachable, affected, unseen, repairable: titles of locations, see `Diagnosed`.
        repair: name of the action that could help, whoever runs it; empty when none can.
        action: the same when this person may run it and no run is at it already; empty otherwise.
        ask: who may run it, when this person may not.
        usual: how long that action usually takes.
        queued: where it stands in the engineers' queue; None when it is not theirs.
        undone_by: reference of the undo that was the last to touch it, within a day.
    """

    id: uuid.UUID
    kind: Kind
    name: str
    title: str
    damage: Damage
    since: datetime | None
    places: int
    unreachable: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    repairable: tuple[str, ...] = ()
    repair: str = ""
    action: str = ""
    ask: tuple[str, ...] = ()
    usual: Usual | None = None
    queued: Queued | None = None
    live: Live | None = None
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class Well:
    """One resource that is as it should be."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Home:
    """The whole page.

    Args:
        cards: what is broken, the oldest first, so that a new fault never pushes a button away under a finger.
        well: what works.
        places: how many locations are looked at.
        checked_at: the newest answer of any probe; None before the first.
        old: whether that is too long ago to rely on.
        live: whether any run is under way.
        kinds: of everything that is watched.
        away: what was moved for a while, and when it comes back.
        acting: who acts for the organization by a caller's consent.
        pauses: what keeps runs from being started or going on.
        put_back: whether several kinds of things are broken, and this person may put all of them back at once.
        wait: how long the engineers usually take; None when nobody knows, or nothing waits for them.
    """

    cards: tuple[Card, ...]
    well: tuple[Well, ...]
    places: int
    checked_at: datetime | None
    old: bool
    live: bool
    activity: tuple[Line, ...]
    incident: str
    kinds: frozenset[Kind]
    away: tuple[Away, ...]
    acting: tuple[Acting, ...]
    pauses: tuple[Pause, ...]
    put_back: bool
    wait: Usual | None

    @property
    def total(self) -> int:
        return len(self.cards) + len(self.well)

    @property
    def whose(self) -> tuple[str, str]:
        return ("your", "you")


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the newest answer of a probe came, and whether that is too long ago."""

    checked_at: datetime | None
    old: bool


def freshness(now: datetime) -> Freshness:
    # By the index on `at` alone, from its end: the first row that fits is near.
    newest = Look.objects.filter(probe__isnull=False, answered=True).order_by("-at")
    at = newest.values_list("at", flat=True).first()
    return Freshness(at, at is None or now - at > FRESH)


def read_home(person: Person, organization: Organization, fresh: Freshness, *, may_act: bool, now: datetime) -> Home:
    """Everything that the home page shows."""
    rows = _resources(organization)
    broken = {row.pk for row in rows if row.damage != Damage.HEALTHY}
    live = _live(organization)
    remedies = read_remedies(person, organization, may_act=may_act)
    barred = [row for row in rows if row.repair and row.pk not in live and not remedies.may_run(row.repair, row.pk)]
    parts = _Parts(
        places=read_places(organization),
        remedies=remedies,
        users=who_may_use(organization) if barred else {},
        live=live,
        engineers=read_queue_places(broken),
        undone=_undone(broken, now),
    )
    repairs = {row.repair for row in rows if row.pk in broken}
    usual = {
        action: usual_time(organization, action, terms)
        for action, terms in parts.remedies.terms.items()
        if action in repairs
    }
    cards = [_card(row, parts, usual) for row in rows if row.pk in broken]
    return Home(
        cards=tuple(sorted(cards, key=lambda card: card.since or now)),
        well=tuple(Well(row.pk, row.name) for row in rows if row.pk not in broken),
        places=len(parts.places.titles),
        checked_at=fresh.checked_at,
        old=fresh.old,
        live=bool(live),
        activity=newest_runs(organization),
        incident=open_incident(organization),
        kinds=frozenset(Kind(row.kind) for row in rows),
        away=read_all_away(organization),
        acting=read_acting([organization], now),
        pauses=read_pauses(organization),
        put_back=len(repairs - {"", None}) > 1 and remedies.may_run_on_any(RESTORE_TO, broken),
        wait=usual_wait() if parts.engineers else None,
    )


def open_incident(organization: Organization) -> str:
    """Reference of the open incident; empty when there is none."""
    row = Incident.objects.filter(organization=organization, closed_at=None).first()
    return row.reference if row else ""


@dataclass(frozen=True, slots=True)
class _Parts:
    places: Places
    remedies: Remedies
    users: Mapping[int, tuple[str, ...]]
    live: Mapping[uuid.UUID, Live]
    engineers: Mapping[uuid.UUID, Queued]
    undone: Mapping[uuid.UUID, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A resource with its open diagnosis; all None where it was never diagnosed."""

    pk: uuid.UUID
    kind: str
    name: str
    title: str
    damage: str | None
    since: datetime | None
    repair: str | None
    repairable: list[str] | None
    affected: list[str] | None
    unseen: list[str] | None
    unreachable: list[str] | None


def _resources(organization: Organization) -> list[Row]:
    rows = Resource.objects.filter(organization=organization).annotate(
        open=FilteredRelation("diagnoses", condition=Q(diagnoses__until__isnull=True))
    )
    fields = ("pk", "kind", "name", "title", *(f"open__{name}" for name in DIAGNOSIS))
    return [Row(*values) for values in rows.values_list(*fields)]


def card_of(row: Row, places: Places) -> Card:
    """What is broken, without what anybody could do about it."""
    return Card(
        id=row.pk,
        kind=Kind(row.kind),
        name=row.name,
        title=row.title,
        damage=Damage(row.damage or Damage.UNKNOWN),
        since=row.since,
        places=places.count.get(row.pk, 0),
        unreachable=places.names(row.unreachable),
        affected=places.names(row.affected),
        unseen=places.names(row.unseen),
        repairable=places.names(row.repairable),
        repair=row.repair or "",
    )


def _card(row: Row, parts: _Parts, usual: Mapping[str, Usual]) -> Card:
    live = parts.live.get(row.pk)
    repair = row.repair or ""
    usable = live is None and parts.remedies.may_run(repair, row.pk)
    return replace(
        card_of(row, parts.places),
        action=repair if usable else "",
        ask=() if usable else _whom(parts, repair, row.pk),
        usual=usual.get(repair),
        queued=parts.engineers.get(row.pk),
        live=live,
        undone_by=parts.undone.get(row.pk, ""),
    )


def _whom(parts: _Parts, action: str, resource: uuid.UUID) -> tuple[str, ...]:
    covering = parts.remedies.covering.get((action, resource), frozenset())
    return first_names({name for preapproval in covering for name in parts.users.get(preapproval, ())})


def _live(organization: Organization) -> dict[uuid.UUID, Live]:
    locks = ResourceLock.objects.filter(live=True, resource__organization=organization)
    columns = (
        "resource_id",
        "run__reference",
        "run__accepted_at",
        "run__started_by__title",
        "run__plan__consent__caller",
    )
    return {
        resource: Live(reference, behalf(by, organization.title, caller), at)
        for resource, reference, at, by, caller in locks.values_list(*columns)
    }


def _undone(broken: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, str]:
    """Resources that were last touched by an undo -> its reference."""
    rows = Target.objects.filter(resource__in=broken, attempts__gt=0, changed_at__gte=now - timedelta(days=1))
    newest = {
        resource: (reference, undo_of)
        for resource, reference, undo_of in rows.order_by("changed_at").values_list(
            "resource_id", "run__reference", "run__undo_of_id"
        )
    }
    return {resource: reference for resource, (reference, undo_of) in newest.items() if undo_of is not None}
