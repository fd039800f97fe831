"""Reads points through their probes, all probes at a time, and keeps the readings as stretches of equal ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.db.models import QuerySet

from incidents.domain.errors import HandrailError
from incidents.domain.verdicts import Mark, Reading
from incidents.engine.backends import TOOLS, Pending, ask_all
from incidents.models import Measurement
from incidents.models import Point as PointRow
from incidents.models.bulk import insert
from incidents.probes.base import Point

Points: TypeAlias = Mapping[str, list[Point]]  # by the slug of their probe


@dataclass(frozen=True, slots=True)
class Round:
    """One round of readings: by the point's id; and the probes that were out of order, with why."""

    readings: Mapping[int, Reading]
    broken: Mapping[str, str]


def load_points(rows: QuerySet[PointRow]) -> Points:
    """Points by the slug of their probe."""
    points: dict[str, list[Point]] = defaultdict(list)
    columns = ("probe__slug", "pk", "resource__name", "location__slug", "address")
    for probe, pk, prefix, location, address in rows.values_list(*columns):
        points[probe].append(Point(pk, prefix, location, address))
    return points


def measure(points: Points) -> Round:
    """Reads every point once: one call a probe, all at the same time. Writes nothing.

    A probe that is out of order gives `error` readings, so its silence is never mistaken for an answer.
    """
    readings: dict[int, Reading] = {}
    broken: dict[str, str] = {}

    def begin(slug: str) -> Pending[Mapping[int, Reading]]:
        return TOOLS.probe(slug).call(lambda probe: probe.measure(points[slug]))

    for slug, answer in ask_all(points, begin).items():
        if isinstance(answer, HandrailError):
            broken[slug] = str(answer)
            readings |= {point.id: Reading(Mark.ERROR, detail=str(answer)[:200]) for point in points[slug]}
        else:
            readings |= answer
    return Round(readings, broken)


def write_down(readings: Mapping[int, Reading], at: datetime) -> set[int]:
    """Begins a new stretch for every point whose mark or detail is another than before; returns those points.

    Args:
        at: when the measuring began. A stretch that somebody else began later than that is newer, and stays.

    Call it inside a transaction. Costs one read, and writes only where something has changed.
    """
    open_rows = Measurement.objects.filter(point__in=readings, until__isnull=True)
    before = {
        point: (pk, since, mark, detail)
        for pk, point, since, mark, detail in open_rows.values_list("pk", "point_id", "since", "mark", "detail")
    }
    changed = {
        point: reading
        for point, reading in readings.items()
        if point not in before or (before[point][1] <= at and before[point][2:] != (str(reading.mark), reading.detail))
    }
    ended = [before[point][0] for point in changed if point in before]
    Measurement.objects.filter(pk__in=ended).update(until=at)
    rows = [(point, reading.mark, reading.milliseconds, reading.detail) for point, reading in changed.items()]
    insert(Measurement, rows, "point_id", "mark", "milliseconds", "detail", since=at)
    return set(changed)
