"""Concludes from what was seen which damage state each resource is in, and keeps the conclusions as stretches."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import F, Max

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.diagnosis import Damage, Diagnosed, Side, Sight, diagnose_prefix
from incidents.domain.verdicts import Mark
from incidents.models import Binding, Diagnosis, EngineerEntry, Look, Measurement, Organization, Point, Resource

# What was not looked at for this long is not known any more: three rounds of the poller and a slow backend.
FRESH = timedelta(seconds=30)
NAMES_IN_ENTRY = 200


def refresh(now: datetime, resources: Collection[uuid.UUID] | None = None) -> int:
    """Diagnoses the given resources, or all, and writes down what is new. Returns how many conclusions changed.

    Call it inside a transaction. A fixed number of reads; writes only where something has changed.
    """
    rows = Resource.objects.select_related("organization")
    if resources is not None:
        rows = rows.filter(pk__in=resources)
    chosen = {row.pk: row for row in rows}
    sides, sights = _sides(now, chosen), _sights(now, chosen)
    found = {pk: diagnose_prefix(sides[pk], sights[pk]) for pk in chosen}
    standing = {row.resource_id: row for row in Diagnosis.objects.filter(resource__in=chosen, until__isnull=True)}
    changed = {pk: one for pk, one in found.items() if pk not in standing or not _same(standing[pk], one)}
    if changed:
        _write(now, chosen, standing, changed)
    return len(changed)


def _fresh_ids(now: datetime, what: str) -> set[int]:
    looks = Look.objects.filter(at__gte=now - FRESH, answered=True, **{f"{what}__isnull": False})
    return set(looks.order_by().values_list(what, flat=True).distinct())


def _sides(now: datetime, chosen: Collection[uuid.UUID]) -> Mapping[uuid.UUID, list[Side]]:
    fresh = _fresh_ids(now, "backend")
    sides: dict[uuid.UUID, list[Side]] = defaultdict(list)
    rows = Binding.objects.filter(resource__in=chosen).values_list(
        "resource_id", "location__slug", "aspect", "backend_id", "seen__state", "good__state"
    )
    for resource, location, aspect, backend, seen, good in rows:
        sides[resource].append(Side(location, aspect, seen if backend in fresh else None, good))
    return sides


def _sights(now: datetime, chosen: Collection[uuid.UUID]) -> Mapping[uuid.UUID, list[Sight]]:
    fresh = _fresh_ids(now, "probe")
    open_rows = Measurement.objects.filter(point__resource__in=chosen, until__isnull=True)
    marks = dict(open_rows.values_list("point_id", "mark"))
    sights: dict[uuid.UUID, list[Sight]] = defaultdict(list)
    rows = Point.objects.filter(resource__in=chosen).values_list("pk", "resource_id", "location__slug", "probe_id")
    for point, resource, location, probe in rows:
        mark = Mark(marks[point]) if point in marks and probe in fresh else None
        sights[resource].append(Sight(location, mark))
    return sights


def _same(row: Diagnosis, found: Diagnosed) -> bool:
    return (row.damage, row.repair, row.repairable, row.affected, row.unseen, row.unreachable) == (
        str(found.damage),
        found.repair,
        list(found.repairable),
        list(found.affected),
        list(found.unseen),
        list(found.unreachable),
    )


def _write(
    now: datetime,
    chosen: Mapping[uuid.UUID, Resource],
    standing: Mapping[uuid.UUID, Diagnosis],
    changed: Mapping[uuid.UUID, Diagnosed],
) -> None:
    Diagnosis.objects.filter(pk__in=[standing[pk].pk for pk in changed if pk in standing]).update(until=now)
    Diagnosis.objects.bulk_create(
        [
            Diagnosis(
                resource_id=pk,
                damage=one.damage,
                repair=one.repair,
                repairable=list(one.repairable),
                affected=list(one.affected),
                unseen=list(one.unseen),
                unreachable=list(one.unreachable),
                # A state that only changes in its extent began when it began.
                since=standing[pk].since if pk in standing and standing[pk].damage == one.damage else now,
            )
            for pk, one in changed.items()
        ]
    )
    turned = {pk: one for pk, one in changed.items() if pk not in standing or standing[pk].damage != one.damage}
    _queue_for_engineers(now, turned)
    organizations = {chosen[pk].organization for pk in changed}
    Organization.objects.filter(pk__in=[row.pk for row in organizations]).update(version=F("version") + 1)
    _tell(chosen, turned)


def _queue_for_engineers(now: datetime, turned: Mapping[uuid.UUID, Diagnosed]) -> None:
    """What customers cannot repair themselves waits for an engineer; what is well again waits no more."""
    beyond = {pk for pk, one in turned.items() if one.damage is Damage.WITHDRAWN_UNBOUND}
    rows = [EngineerEntry(resource_id=pk, damage=Damage.WITHDRAWN_UNBOUND, opened_at=now) for pk in beyond]
    EngineerEntry.objects.bulk_create(rows, ignore_conflicts=True)
    well = [pk for pk, one in turned.items() if one.damage is Damage.HEALTHY]
    EngineerEntry.objects.filter(resource__in=well, closed_at__isnull=True).update(closed_at=now)


def _tell(chosen: Mapping[uuid.UUID, Resource], turned: Mapping[uuid.UUID, Diagnosed]) -> None:
    groups: dict[tuple[str, Damage], list[str]] = defaultdict(list)
    for pk, one in turned.items():
        groups[chosen[pk].organization.slug, one.damage].append(chosen[pk].name)
    append(
        *[
            Entry(
                "diagnosis.changed",
                ENGINE,
                organization,
                data={"damage": str(damage), "resources": names[start : start + NAMES_IN_ENTRY]},
            )
            for (organization, damage), names in groups.items()
            for start in range(0, len(names), NAMES_IN_ENTRY)
        ]
    )


def newest_look() -> Mapping[str, datetime]:
    """When each probe last answered, by its slug; what the pages call "checked at"."""
    answered = Look.objects.filter(probe__isnull=False, answered=True)
    return dict(answered.order_by().values_list("probe__slug").annotate(at=Max("at")))
