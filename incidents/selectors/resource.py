"""What "See each location" shows: every binding now and when it was good, and what every probe says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.domain.changes import State
from incidents.domain.verdicts import Mark
from incidents.engine.diagnosing import FRESH
from incidents.models import Binding, Look, Measurement, Organization, Person, Point, Resource
from incidents.selectors.home import Card, Home, freshness, read_home


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
        return self.now is not None and self.now == self.good


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
    title: str
    sides: tuple[Side, ...]
    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """The page; `card` is None when all is well."""

    name: str
    title: str
    card: Card | None
    locations: tuple[AtLocation, ...]
    home: Home


def read_resource(
    person: Person, organization: Organization, resource: Resource, *, may_act: bool, now: datetime
) -> ResourcePage:
    """A fixed number of queries: those of the home page, and four."""
    home = read_home(person, organization, freshness(now), may_act=may_act, now=now)
    backends, probes = _fresh("backend", now), _fresh("probe", now)
    sides: dict[str, list[Side]] = {}
    rows = Binding.objects.filter(resource=resource).select_related("location", "seen", "good")
    for row in rows.order_by("location__position", "aspect"):
        sides.setdefault(row.location.title, []).append(_side(row, backends))
    measured = {row.point_id: row for row in Measurement.objects.filter(point__resource=resource, until=None)}
    sights: dict[str, list[Sight]] = {}
    for point in Point.objects.filter(resource=resource).select_related("probe", "location").order_by("probe__slug"):
        sights.setdefault(point.location.title, []).append(_sight(point, measured.get(point.pk), probes))
    return ResourcePage(
        name=resource.name,
        title=resource.title,
        card=next((card for card in home.cards if card.id == resource.pk), None),
        locations=tuple(
            AtLocation(title, tuple(sides.get(title, ())), tuple(sights.get(title, ())))
            for title in dict.fromkeys([*sides, *sights])
        ),
        home=home,
    )


def _fresh(what: str, now: datetime) -> frozenset[int]:
    """Ids of the backends, or probes, that answered lately."""
    looks = Look.objects.filter(at__gte=now - FRESH, answered=True, **{f"{what}__isnull": False})
    return frozenset(looks.order_by().values_list(what, flat=True).distinct())


def _side(row: Binding, fresh: frozenset[int]) -> Side:
    known = row.seen is not None and row.backend_id in fresh
    return Side(
        aspect=row.aspect,
        now=row.seen.state if row.seen and known else None,
        good=row.good.state if row.good else None,
        seen_at=row.seen.at if row.seen else None,
        proven_until=row.good.proven_until if row.good else None,
    )


def _sight(point: Point, row: Measurement | None, fresh: frozenset[int]) -> Sight:
    known = row if row is not None and point.probe_id in fresh else None
    return Sight(
        probe=point.probe.slug,
        kind=point.probe.kind,
        mark=Mark(known.mark) if known else None,
        milliseconds=known.milliseconds if known else -1,
        detail=known.detail if known else "",
        since=known.since if known else None,
    )
