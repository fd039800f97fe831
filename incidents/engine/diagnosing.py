"""Concludes from what was seen which damage state each resource is in, and keeps the conclusions as stretches."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db.models import QuerySet

from incidents.audit.log import ENGINE, Entry, append, in_batches
from incidents.domain.changes import is_unreadable, same
from incidents.domain.diagnosis import Damage, Diagnosed, Side, Sight, diagnose
from incidents.domain.kinds import Kind
from incidents.domain.known_good import is_damaged
from incidents.domain.verdicts import Mark
from incidents.engine import hand_backs, known_good
from incidents.engine.freshness import fresh_backends, fresh_probes
from incidents.engine.news import show_news_to
from incidents.models import Binding, Diagnosis, EngineerEntry, Measurement, Organization, Point, Resource
from incidents.models.bulk import insert

# The keys of the resources that are diagnosed, as a subquery.
Only: TypeAlias = "QuerySet[Resource, Any]"


class Named(NamedTuple):
    """A resource by name, and whose it is."""

    name: str
    kind: Kind
    organization: uuid.UUID
    slug: str


class Standing(NamedTuple):
    """The open diagnosis of a resource: its row, and what it says."""

    pk: int
    since: datetime
    found: Diagnosed


def refresh(now: datetime, resources: QuerySet[Resource]) -> int:
    """Diagnoses these resources and writes down what is new. Returns how many conclusions changed.

    Call it inside a transaction. A fixed number of reads; writes only where something has changed.
    """
    columns = ("pk", "name", "kind", "organization_id", "organization__slug")
    rows = resources.order_by().values_list(*columns)
    chosen = {pk: Named(name, Kind(kind), organization, slug) for pk, name, kind, organization, slug in rows}
    # A subquery, for a list of a thousand keys costs more than what it asks for.
    only = resources.order_by().values("pk")
    sides, sights, standing = _sides(now, only), _sights(now, only), _standing(only)
    found = {pk: diagnose(named.kind, sides[pk], sights[pk]) for pk, named in chosen.items()}
    changed = {pk: one for pk, one in found.items() if pk not in standing or standing[pk].found != one}
    if changed:
        _write(now, chosen, standing, changed)
    return len(changed)


def _sides(now: datetime, only: Only) -> Mapping[uuid.UUID, list[Side]]:
    fresh = fresh_backends(now)
    sides: dict[uuid.UUID, list[Side]] = defaultdict(list)
    rows = Binding.objects.filter(resource__in=only).values_list(
        "pk", "resource_id", "location__slug", "aspect", "backend_id", "seen__state", "good__state", "good__digest"
    )
    away = hand_backs.states_away()
    # All of them, and not only those that differ from what is now: a damaged one could be like what is broken.
    older = known_good.instead_of([row[0] for row in rows if is_damaged(*row[-2:])])
    for pk, resource, location, aspect, backend, seen, good, _ in rows:
        if pk in older:
            instead = older[pk]
            good = instead.state if instead else None
        now_seen = seen if backend in fresh and seen is not None and not is_unreadable(seen) else None
        # What is changed on purpose for a while is as it should be, as long as it is as that run left it.
        on_purpose = seen is not None and any(same(seen, state) for state in away.get(str(pk), ()))
        sides[resource].append(Side(location, aspect, now_seen, seen if on_purpose else good))
    return sides


def _sights(now: datetime, only: Only) -> Mapping[uuid.UUID, list[Sight]]:
    fresh = fresh_probes(now)
    open_rows = Measurement.objects.filter(point__resource__in=only, until__isnull=True)
    marks = dict(open_rows.values_list("point_id", "mark"))
    sights: dict[uuid.UUID, list[Sight]] = defaultdict(list)
    rows = Point.objects.filter(resource__in=only).values_list("pk", "resource_id", "location__slug", "probe_id")
    for point, resource, location, probe in rows:
        mark = Mark(marks[point]) if point in marks and probe in fresh else None
        sights[resource].append(Sight(location, mark))
    return sights


def _standing(only: Only) -> Mapping[uuid.UUID, Standing]:
    rows = Diagnosis.objects.filter(resource__in=only, until__isnull=True)
    return {
        resource: Standing(pk, since, Diagnosed(Damage(damage), repair, *(tuple(places) for places in lists)))
        for resource, pk, since, damage, repair, *lists in rows.values_list(
            "resource_id", "pk", "since", "damage", "repair", "repairable", "affected", "unseen", "unreachable"
        )
    }


def _write(
    now: datetime,
    chosen: Mapping[uuid.UUID, Named],
    standing: Mapping[uuid.UUID, Standing],
    changed: Mapping[uuid.UUID, Diagnosed],
) -> None:
    turned = {pk: one for pk, one in changed.items() if pk not in standing or standing[pk].found.damage != one.damage}
    Diagnosis.objects.filter(pk__in=[standing[pk].pk for pk in changed if pk in standing]).update(until=now)
    rows = [
        (
            pk,
            one.damage,
            one.repair,
            list(one.repairable),
            list(one.affected),
            list(one.unseen),
            list(one.unreachable),
            # A state that only changes in its extent began when it began.
            now if pk in turned else standing[pk].since,
        )
        for pk, one in changed.items()
    ]
    columns = ("resource_id", "damage", "repair", "repairable", "affected", "unseen", "unreachable", "since")
    insert(Diagnosis, rows, *columns)
    _queue_for_engineers(now, turned)
    organizations = {chosen[pk].organization for pk in changed}
    show_news_to(Organization.objects.filter(pk__in=organizations))
    _tell(chosen, turned)


def _queue_for_engineers(now: datetime, turned: Mapping[uuid.UUID, Diagnosed]) -> None:
    """What customers cannot repair themselves waits for an engineer; what is well again waits no more."""
    beyond = {pk for pk, one in turned.items() if one.damage is Damage.WITHDRAWN_UNBOUND}
    rows = [EngineerEntry(resource_id=pk, damage=Damage.WITHDRAWN_UNBOUND, opened_at=now) for pk in beyond]
    EngineerEntry.objects.bulk_create(rows, ignore_conflicts=True)
    well = [pk for pk, one in turned.items() if one.damage is Damage.HEALTHY]
    if EngineerEntry.objects.filter(resource__in=well, closed_at__isnull=True).update(closed_at=now):
        # Whoever waits behind them has moved up.
        waiting = EngineerEntry.objects.filter(closed_at__isnull=True).values("resource__organization")
        show_news_to(Organization.objects.filter(pk__in=waiting))


def _tell(chosen: Mapping[uuid.UUID, Named], turned: Mapping[uuid.UUID, Diagnosed]) -> None:
    groups: dict[tuple[str, Damage], list[str]] = defaultdict(list)
    for pk, one in turned.items():
        groups[chosen[pk].slug, one.damage].append(chosen[pk].name)
    append(
        *[
            Entry(
                "diagnosis.changed",
                ENGINE,
                organization,
                data={"damage": str(damage), "resources": some},
            )
            for (organization, damage), names in groups.items()
            for some in in_batches(names)
        ]
    )
