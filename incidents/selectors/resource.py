"""What "See each location" shows: every binding now and when it was good, and what every probe says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.domain.changes import State, same
from incidents.domain.facts import Good
from incidents.domain.known_good import is_damaged
from incidents.domain.terms import LONGEST_FLAP
from incidents.domain.verdicts import Mark
from incidents.engine import known_good
from incidents.engine.freshness import fresh_backends, fresh_probes
from incidents.models import Attempt, Binding, Measurement, Organization, Person, Point, Resource
from incidents.selectors.home import Card, Home, freshness, read_home
from incidents.selectors.remedies import may_run

MOVE_AWAY = "shift_traffic_away"


@dataclass(frozen=True, slots=True)
class Side:
    """One aspect at one location.

    Args:
        now: None when there is no recent observation.
        good: the state that was last proven to work; None when there is none.
        seen_at: when it became as it is.
    """

    aspect: str
    now: State | None
    good: State | None
    seen_at: datetime | None
    proven_until: datetime | None

    @property
    def as_good(self) -> bool:
        return self.now is not None and self.good is not None and same(self.now, self.good)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one probe says about the resource through one location; `mark` is None without a recent measurement."""

    probe: str
    kind: str
    mark: Mark | None
    milliseconds: int
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class AtLocation:
    slug: str
    title: str
    sides: tuple[Side, ...]
    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """The page.

    Args:
        card: None when all is well.
        movable: whether this person may take traffic away from a location.
        settles_at: until when other networks could ignore it if it were withdrawn again; None when they would not.
    """

    id: uuid.UUID
    name: str
    title: str
    kind: str
    card: Card | None
    movable: bool
    settles_at: datetime | None
    locations: tuple[AtLocation, ...]
    home: Home


def read_resource(
    person: Person, organization: Organization, resource: Resource, *, may_act: bool, now: datetime
) -> ResourcePage:
    """A fixed number of queries: those of the home page, and six; one more where what was kept is damaged."""
    home = read_home(person, organization, freshness(now), may_act=may_act, now=now)
    backends, probes = fresh_backends(now), fresh_probes(now)
    sides: dict[tuple[str, str], list[Side]] = {}
    rows = Binding.objects.filter(resource=resource).select_related("location", "seen", "good")
    rows = rows.order_by("location__position", "aspect")
    older = known_good.instead_of([row.pk for row in rows if row.good and is_damaged(row.good.state, row.good.digest)])
    for row in rows:
        good = older[row.pk] if row.pk in older else known_good.good_of(row.good) if row.good else None
        sides.setdefault((row.location.slug, row.location.title), []).append(_side(row, good, backends))
    measured = {row.point_id: row for row in Measurement.objects.filter(point__resource=resource, until=None)}
    sights: dict[tuple[str, str], list[Sight]] = {}
    for point in Point.objects.filter(resource=resource).select_related("probe", "location").order_by("probe__slug"):
        place = (point.location.slug, point.location.title)
        sights.setdefault(place, []).append(_sight(point, measured.get(point.pk), probes))
    return ResourcePage(
        id=resource.pk,
        name=resource.name,
        title=resource.title,
        kind=resource.kind,
        movable=may_act and may_run(person, MOVE_AWAY, resource),
        settles_at=_settles_at(resource, now),
        card=next((card for card in home.cards if card.id == resource.pk), None),
        locations=tuple(
            AtLocation(*place, tuple(sides.get(place, ())), tuple(sights.get(place, ())))
            for place in dict.fromkeys([*sides, *sights])
        ),
        home=home,
    )


def _settles_at(resource: Resource, now: datetime) -> datetime | None:
    """When the window after the last announcement of a prefix is over; see the guard against flapping."""
    lately = Attempt.objects.filter(target__resource=resource, target__changed_at__gt=now - LONGEST_FLAP)
    done = lately.filter(target__up=True, target__binding__aspect="route")
    announced = done.order_by("-at").values_list("at", "target__run__plan__preapproval__terms__flap_minutes").first()
    if announced is None:
        return None
    at, minutes = announced
    until: datetime = at + timedelta(minutes=minutes)
    return until if until > now else None


def _side(row: Binding, good: Good | None, fresh: set[int]) -> Side:
    known = row.seen is not None and row.backend_id in fresh
    return Side(
        aspect=row.aspect,
        now=row.seen.state if row.seen and known else None,
        good=good.state if good else None,
        seen_at=row.seen.at if row.seen else None,
        proven_until=good.proven_until if good else None,
    )


def _sight(point: Point, row: Measurement | None, fresh: set[int]) -> Sight:
    known = row if row is not None and point.probe_id in fresh else None
    return Sight(
        probe=point.probe.slug,
        kind=point.probe.kind,
        mark=Mark(known.mark) if known else None,
        milliseconds=known.milliseconds if known else -1,
        detail=known.detail if known else "",
        since=known.since if known else None,
    )
