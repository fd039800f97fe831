"""The steps that act on a stage or the whole run: begin, measure, go to the next stage, end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.canonical import JsonObject
from incidents.domain.decide import End
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark, Reading, Watched, judge
from incidents.engine import diagnosing, measuring
from incidents.engine.passes import Pass, read_stage
from incidents.models import Organization, Point, ResourceLock, RunReading, StageVerdict, Target


def begin(opened: Pass) -> None:
    """Measures every point before the first effect: one that is red already can condemn nothing later."""
    run, plan, claim = opened.run, opened.plan, opened.claim
    stage_of = {
        (plan.changes[index].resource, plan.changes[index].location): number
        for number, stage in enumerate(plan.stages)
        for index in stage
    }
    points = [
        point
        for point in Point.objects.filter(
            resource__in={resource for resource, _ in stage_of}, probe__slug__in=plan.terms.probes
        ).select_related("probe", "resource", "location")
        if (str(point.resource_id), point.location.slug) in stage_of
    ]
    now = claim.now()
    taken = measuring.measure(measuring.load_points(points))
    with transaction.atomic(durable=True):
        claim.write(phase=Phase.RUNNING, stage_began_at=now)
        measuring.write_down(taken.readings, now)
        RunReading.objects.bulk_create(
            [
                RunReading(
                    run=run,
                    stage=stage_of[str(point.resource_id), point.location.slug],
                    probe_id=point.probe_id,
                    resource_id=point.resource_id,
                    location_id=point.location_id,
                    point=point,
                    baseline=taken.readings[point.pk].mark,
                )
                for point in points
            ]
        )
        append(_entry(opened, "run.began", {"points": len(points)}))
    run.phase, run.stage_began_at = Phase.RUNNING, now
    read_stage(opened)


def measure(opened: Pass) -> None:
    """Reads every point of this stage once, judges, and writes the verdict down when there is a new one."""
    claim, run = opened.claim, opened.run
    rows = Point.objects.filter(pk__in=[row.point_id for row in opened.readings if row.point_id])
    points = rows.select_related("probe", "resource", "location")
    now = opened.measured_at = claim.now()
    taken = measuring.measure(measuring.load_points(points))
    for row in opened.readings:
        reading = taken.readings.get(row.point_id or 0, Reading(Mark.ERROR, detail="no longer measured"))
        _count(row, reading)
    mark = judge(
        [_watched(row) for row in opened.readings], run.in_place_at or run.stage_began_at, now, opened.plan.terms.proof
    )
    with transaction.atomic(durable=True):
        claim.write(in_place_at=run.in_place_at or now)
        run.in_place_at = run.in_place_at or now
        measuring.write_down(taken.readings, now)
        _store(opened.readings)
        if mark is not None and (opened.verdict is None or opened.verdict.mark != mark):
            _pronounce(opened, mark)


def _count(row: RunReading, reading: Reading) -> None:
    row.passes = row.passes + 1 if reading.mark is Mark.PASS else 0
    row.fails = row.fails + 1 if reading.mark is Mark.FAIL else 0
    row.latest, row.detail = reading.mark, reading.detail[:200]


def _watched(row: RunReading) -> Watched:
    return Watched(
        baseline=Mark(row.baseline) if row.baseline else None,
        latest=Mark(row.latest) if row.latest else None,
        passes=row.passes,
        fails=row.fails,
    )


def _store(rows: Iterable[RunReading]) -> None:
    """One statement for all readings that say the same."""
    groups: dict[tuple[str, str, int, int], list[int]] = defaultdict(list)
    for row in rows:
        groups[row.latest, row.detail, row.passes, row.fails].append(row.pk)
    for (latest, detail, passes, fails), keys in groups.items():
        RunReading.objects.filter(pk__in=keys).update(latest=latest, detail=detail, passes=passes, fails=fails)


def _pronounce(opened: Pass, mark: Mark) -> None:
    run, now = opened.run, opened.claim.now()
    opened.verdict, _ = StageVerdict.objects.update_or_create(
        run=run, stage=run.stage, defaults={"mark": mark, "at": now}
    )
    marks: dict[str, int] = defaultdict(int)
    for row in opened.readings:
        marks[row.latest] += 1
    append(_entry(opened, "verdict.recorded", {"stage": run.stage, "verdict": str(mark), "readings": dict(marks)}))


def next_stage(opened: Pass) -> None:
    """What is in place counts as verified; the next stage begins."""
    run, now = opened.run, opened.claim.now()
    with transaction.atomic(durable=True):
        opened.claim.write(phase=Phase.RUNNING, stage=F("stage") + 1, stage_began_at=now, in_place_at=None, because="")
        _verify(opened)
        append(_entry(opened, "stage.passed", {"stage": run.stage}))
    run.phase, run.stage, run.stage_began_at, run.in_place_at = Phase.RUNNING, run.stage + 1, now, None
    read_stage(opened)


def end(opened: Pass, decision: End, detail: str = "") -> None:
    """Writes down how it ended, lets its resources go, and looks anew at what is wrong with them."""
    run, now = opened.run, opened.claim.now()
    with transaction.atomic(durable=True):
        opened.claim.write(
            phase=Phase.ENDED,
            outcome=decision.outcome,
            because=decision.because,
            detail=detail,
            ended_at=now,
            owner="",
        )
        if decision.outcome is Outcome.SUCCEEDED:
            _verify(opened)
        targets = Target.objects.filter(run=run)
        targets.filter(step=Step.WAITING).update(step=Step.LEFT, changed_at=now)
        targets.filter(step=Step.ATTEMPTED).update(step=Step.FAILED, because="run.outcome-unknown", changed_at=now)
        ResourceLock.objects.filter(run=run).update(live=False)
        Organization.objects.filter(pk=run.organization_id).update(version=F("version") + 1)
        append(_entry(opened, f"run.{decision.outcome}", {"because": decision.because, "detail": detail}))
        resources = targets.values_list("resource_id", flat=True).distinct()
        diagnosing.refresh(now, list(resources))


def _verify(opened: Pass) -> None:
    in_place = Target.objects.filter(run=opened.run, stage=opened.run.stage, step=Step.IN_PLACE)
    in_place.update(step=Step.VERIFIED, changed_at=opened.claim.now())


def _entry(opened: Pass, event: str, data: JsonObject) -> Entry:
    run = opened.run
    return Entry(event, ENGINE, run.organization.slug, str(run.pk), {"reference": run.reference, **data})
