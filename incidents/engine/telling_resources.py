"""Notices of what became of resources: each route is told what differs from what it was told last.

So a storm is one notice and not one a resource, whatever comes and goes between two notices is told in neither
direction, and a route that hears often hears more rarely.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from incidents.domain import wording
from incidents.domain.canonical import JsonObject
from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.domain.notices import COUNTED, About, Severity, at_least, gap_after, hold, severity_of
from incidents.domain.wording import LISTED, Piece
from incidents.engine.telling_events import News
from incidents.models import Believed, Binding, Diagnosis, Letter, NoticeRoute

ABOUT = (About.DAMAGED, About.HEALTHY)
PLACES = ("affected", "unseen", "unreachable")
# Rows that one statement holds, far below what either database takes.
BATCH = 500


@dataclass(frozen=True, slots=True)
class _Now:
    """A resource that is not as a route believes it to be."""

    resource: uuid.UUID
    name: str
    kind: Kind
    slug: str
    title: str
    damage: Damage
    since: datetime
    bad: int
    lost: bool
    was: Damage | None  # as the route believes; None: well
    was_lost: bool


def tell_resources(routes: Sequence[NoticeRoute], now: datetime) -> Iterable[News]:
    """What each route is to hear now, and writes down that it has heard it. In the caller's transaction."""
    for route in routes:
        yield from _of_route(route, now)


def _of_route(route: NoticeRoute, now: datetime) -> Iterable[News]:
    found = [one for one in _differing(route) if one.since <= now - hold(one.damage)]
    worse = [one for one in found if _is_worse(one.damage, one.was, route)]
    better = [one for one in found if one.damage is Damage.HEALTHY]
    # What is milder than the route wants to hear, or no worse than it believes, changes no belief and is no news.
    if not (worse or better) or not _may_speak(route, now):
        return
    # Only a notice of a single one says of how many.
    places = _places([one.resource for some in (worse, better) if len(some) == 1 for one in some])
    _believe(route, worse, better)
    still = Believed.objects.filter(route=route).count()
    if worse and About.DAMAGED in route.kinds:
        yield _damaged(route, worse, places, still, now)
    # Whoever was never told of a damage is not told of its end: there is no row.
    if better and About.HEALTHY in route.kinds:
        yield _healthy(route, better, places, still, now)


def routes_with_news(routes: Sequence[NoticeRoute]) -> list[NoticeRoute]:
    """Those that some resource is worse for than they believe, or well again. Two queries, however many there are."""
    damaged: dict[str, dict[uuid.UUID, Damage]] = defaultdict(dict)
    rows = Diagnosis.objects.filter(until__isnull=True).exclude(damage=Damage.HEALTHY)
    for slug, pk, damage in rows.values_list("resource__organization__slug", "resource_id", "damage"):
        damaged[slug][pk] = Damage(damage)
    believed: dict[int, dict[uuid.UUID, Damage]] = defaultdict(dict)
    for route, pk, damage in Believed.objects.values_list("route_id", "resource_id", "damage"):
        believed[route][pk] = Damage(damage)
    return [route for route in routes if _hears(route) and _has_news(route, damaged, believed[route.pk])]


def _has_news(
    route: NoticeRoute, damaged: Mapping[str, Mapping[uuid.UUID, Damage]], believed: Mapping[uuid.UUID, Damage]
) -> bool:
    now = [item for slug in route.organizations if slug in damaged for item in damaged[slug].items()]
    worse = any(_is_worse(damage, believed.get(pk), route) for pk, damage in now)
    return worse or not believed.keys() <= {pk for pk, _ in now}


def _hears(route: NoticeRoute) -> bool:
    return bool(set(ABOUT) & set(route.kinds) and route.organizations)


def _told_otherwise(route: NoticeRoute) -> QuerySet[Diagnosis]:
    """Open diagnoses that are not what the route believes. Nothing while everything is."""
    rows = Diagnosis.objects.filter(until__isnull=True, resource__organization__slug__in=route.organizations)
    believed = Believed.objects.filter(route=route, resource=OuterRef("resource")).values("damage")
    rows = rows.annotate(believed=Coalesce(Subquery(believed[:1]), Value(str(Damage.HEALTHY))))
    return rows.exclude(damage=F("believed"))


def _differing(route: NoticeRoute) -> list[_Now]:
    """Two queries."""
    believed = {row.resource_id: row for row in Believed.objects.filter(route=route)}
    owner = ("resource__organization__slug", "resource__organization__title")
    columns = ("resource_id", "resource__name", "resource__kind", *owner, "damage", "since", *PLACES)
    rows = _told_otherwise(route).order_by(owner[0], "resource__position", "resource__name").values_list(*columns)
    found = []
    for pk, name, kind, slug, title, damage, since, affected, unseen, unreachable in rows:
        was = believed.get(pk)
        found.append(
            _Now(
                resource=pk,
                name=name,
                kind=Kind(kind),
                slug=slug,
                title=title,
                damage=Damage(damage),
                since=since,
                bad=len(unreachable or affected or unseen),
                lost=bool(unreachable),
                was=Damage(was.damage) if was else None,
                was_lost=was.lost if was else False,
            )
        )
    return found


def _is_worse(damage: Damage, was: Damage | None, route: NoticeRoute) -> bool:
    """Whether the route hears of such a thing, and it is worse than what the route believes; None: well."""
    severity = severity_of(damage)
    if damage is Damage.HEALTHY or not at_least(severity, Severity(route.severity)):
        return False
    return was is None or not at_least(severity_of(was), severity)


def _may_speak(route: NoticeRoute, now: datetime) -> bool:
    """Whether enough time has passed since this route was told of resources last."""
    told = Letter.objects.filter(route=route.slug, kind__in=ABOUT, at__gt=now - COUNTED).order_by("-at")
    times = list(told.values_list("at", flat=True))
    return not times or times[0] + gap_after(len(times)) <= now


def _believe(route: NoticeRoute, worse: Sequence[_Now], better: Sequence[_Now]) -> None:
    well = [one.resource for one in better]
    for start in range(0, len(well), BATCH):
        Believed.objects.filter(route=route, resource__in=well[start : start + BATCH]).delete()
    rows = [Believed(route=route, resource_id=one.resource, damage=one.damage, lost=one.lost) for one in worse]
    Believed.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["route", "resource"],
        update_fields=["damage", "lost"],
    )


def _places(resources: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    """Of how many locations each is."""
    found: dict[uuid.UUID, set[int]] = {}
    for resource, location in Binding.objects.filter(resource__in=resources).values_list("resource_id", "location_id"):
        found.setdefault(resource, set()).add(location)
    return {resource: len(places) for resource, places in found.items()}


def _damaged(
    route: NoticeRoute, worse: Sequence[_Now], places: Mapping[uuid.UUID, int], still: int, now: datetime
) -> News:
    pieces = [
        Piece(one.name, one.kind, one.damage, one.title, one.bad, max(one.bad, places.get(one.resource, 0)), one.lost)
        for one in worse
    ]
    rest = still - len(worse)
    also = [f"{rest:,} others were not as they should be before."] if rest else []
    severity = max((severity_of(one.damage) for one in worse), key=list(Severity).index)
    return _news(route, About.DAMAGED, severity, wording.damaged(pieces), pieces, worse, also, now)


def _healthy(
    route: NoticeRoute, better: Sequence[_Now], places: Mapping[uuid.UUID, int], still: int, now: datetime
) -> News:
    pieces = [
        Piece(one.name, one.kind, one.was or Damage.UNKNOWN, one.title, 0, places.get(one.resource, 0), one.was_lost)
        for one in better
    ]
    also = [f"{still:,} others are not as they should be yet."] if still else []
    severity = max((severity_of(piece.damage) for piece in pieces), key=list(Severity).index)
    return _news(route, About.HEALTHY, severity, wording.healthy(pieces, still), pieces, better, also, now)


def _news(
    route: NoticeRoute,
    about: About,
    severity: Severity,
    subject: str,
    pieces: Sequence[Piece],
    found: Sequence[_Now],
    also: Sequence[str],
    now: datetime,
) -> News:
    slugs = list(dict.fromkeys(one.slug for one in found))
    one = slugs[0] if len(slugs) == 1 else ""
    heading = found[0].title if one else f"{len(slugs):,} organizations"
    data: JsonObject = {
        "organizations": slugs[:LISTED],
        "resources": [{"name": item.name, "state": str(item.damage)} for item in found[:LISTED]],
        "resources_count": len(found),
    }
    text = "\n".join([heading, *wording.listed(pieces, titles=not one), *also])
    # The same, told to two routes with the same channels, is one letter.
    said = [
        about,
        now.isoformat(),
        subject,
        text,
        *route.channels,
        *(f"{item.resource} {item.damage}" for item in found),
    ]
    return News(
        key=f"resources {hashlib.sha256('|'.join(said).encode()).hexdigest()}",
        about=about,
        severity=severity,
        subject=subject,
        text=text,
        path=f"/c/{one}" if one else "/desk",
        organization=one,
        route=route,
        data=data,
    )
