"""The steps that act on a stage or the whole run: begin, measure, go to the next stage, end."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict

from django.db.models import F

from incidents.audit.log import ENGINE, Entry, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.circumstances import Proposal
from incidents.domain.decisions import End
from incidents.domain.proofs import Proofs, Role
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark, Reading, Watched, judge, opposite
from incidents.engine import diagnosing, hand_backs, measuring
from incidents.engine.behalf import on_behalf
from incidents.engine.breakers import weigh_end
from incidents.engine.leases import Claim
from incidents.engine.news import show_news
from incidents.engine.passes import Pass, read_stage, watch
from incidents.models import Point, Resource, ResourceLock, Run, RunReading, StageVerdict, Target
from incidents.models.bulk import insert

logger = logging.getLogger(__name__)


def begin(opened: Pass) -> None:
    """Measures every point before the first effect: one that is red already can condemn nothing later."""
    run, plan, claim = opened.run, opened.plan, opened.claim
    proofs = Proofs.of(plan)
    resources = {uuid.UUID(change.resource) for change in plan.changes}
    asked = Point.objects.filter(resource__in=resources, probe__slug__in=plan.terms.probes)
    rows = [
        (point, probe, resource, location, wanted)
        for point, probe, resource, location, slug in asked.values_list(
            "pk", "probe_id", "resource_id", "location_id", "location__slug"
        )
        for wanted in proofs.at(str(resource), slug)
    ]
    points = {point for point, *_ in rows}
    began = claim.now()
    taken = measuring.measure(measuring.load_points(asked.filter(pk__in=points)))
    now = claim.now()
    with recorded():
        claim.write(phase=Phase.RUNNING, stage_began_at=now)
        measuring.write_down(taken.readings, began)
        insert(
            RunReading,
            [
                (point, *where, wanted.stage, wanted.mark, wanted.role, taken.readings[point].mark)
                for point, *where, wanted in rows
            ],
            "point_id", "probe_id", "resource_id", "location_id", "stage", "wanted", "role", "baseline",
            run_id=run.pk,
        )  # fmt: skip
        append(_entry(run, "run.began", {"points": len(points)}))
    run.phase, run.stage_began_at = Phase.RUNNING, now
    watch(opened, RunReading.objects.filter(run=run, stage=run.stage))


def measure(opened: Pass) -> None:
    """Reads every point of this stage once, judges, and writes the verdict down when there is a new one."""
    claim, run = opened.claim, opened.run
    now = opened.measured_at = claim.now()
    taken = measuring.measure(opened.points)
    for row in opened.readings:
        reading = taken.readings.get(row.point_id or 0, Reading(Mark.ERROR, detail="no longer measured"))
        _count(row, reading)
    opened.unstored = True
    mark = judge([_watched(row) for row in opened.counted()], run.in_place_at or now, now, opened.plan.terms.proof)
    if mark is None or (opened.verdict is not None and opened.verdict.mark == mark):
        return  # seen, but nothing to say yet: stored when there is, or when the run is let go
    with recorded():
        # A person may have overruled the verdict that this one replaces.
        claim.write(unless_overtaken=True)
        measuring.write_down(taken.readings, now)
        _store(opened)
        _pronounce(opened, mark)


def store_readings(opened: Pass) -> None:
    """Writes down what was read since the last time, so that the page shows it while the run waits."""
    if opened.unstored:
        with recorded():
            opened.claim.write()
            _store(opened)


def _count(row: RunReading, reading: Reading) -> None:
    row.right = row.right + 1 if reading.mark == row.wanted else 0
    row.wrong = row.wrong + 1 if reading.mark is opposite(Mark(row.wanted)) else 0
    row.latest, row.detail = reading.mark, reading.detail[:200]


def _watched(row: RunReading) -> Watched:
    known = row.baseline in (Mark.PASS, Mark.FAIL) and row.role != Role.LOOK
    return Watched(
        was_right=row.baseline == row.wanted if known else None,
        latest=Mark(row.latest) if row.latest else None,
        right=row.right,
        wrong=row.wrong,
        needed=row.role == Role.PROVE,
    )


def _store(opened: Pass) -> None:
    """One statement for all readings that say the same."""
    opened.unstored = False
    groups: dict[tuple[str, str, int, int], list[int]] = defaultdict(list)
    for row in opened.readings:
        groups[row.latest, row.detail, row.right, row.wrong].append(row.pk)
    rows = RunReading.objects.filter(run=opened.run, stage=opened.run.stage)
    for (latest, detail, right, wrong), keys in groups.items():
        same = rows if len(groups) == 1 else rows.filter(pk__in=keys)
        same.update(latest=latest, detail=detail, right=right, wrong=wrong)


def _pronounce(opened: Pass, mark: Mark) -> None:
    run, now = opened.run, opened.claim.now()
    opened.verdict, _ = StageVerdict.objects.update_or_create(
        run=run,
        stage=run.stage,
        # Whoever overruled another verdict has not overruled this one.
        defaults={"mark": mark, "at": now, "overruled_by": None, "overruled_because": ""},
    )
    marks: dict[str, int] = defaultdict(int)
    for row in opened.readings:
        marks[row.latest] += 1
    append(_entry(opened.run, "verdict.recorded", {"stage": run.stage, "verdict": str(mark), "readings": dict(marks)}))


def next_stage(opened: Pass) -> None:
    """What is in place counts as verified, unless a person went on without proof; the next stage begins."""
    run, now = opened.run, opened.claim.now()
    with recorded():
        opened.claim.write(phase=Phase.RUNNING, stage=F("stage") + 1, stage_began_at=now, in_place_at=None, because="")
        # What must only not have got worse is in place, and not proven yet.
        proves = any(row.role == Role.PROVE for row in opened.readings)
        if proves and opened.verdict is not None and opened.verdict.mark == Mark.PASS:
            in_place = Target.objects.filter(run=run, stage=run.stage, step=Step.IN_PLACE)
            in_place.update(step=Step.VERIFIED, changed_at=now)
        append(_entry(opened.run, "stage.passed", {"stage": run.stage}))
    run.phase, run.stage, run.stage_began_at, run.in_place_at = Phase.RUNNING, run.stage + 1, now, None
    read_stage(opened)


def end(opened: Pass, decision: End, detail: str = "") -> None:
    """Writes down how it ended, lets its resources go, and looks anew at what is wrong with them."""
    proven = opened.verdict is not None and opened.verdict.mark == Mark.PASS
    if decision.outcome is Outcome.SUCCEEDED and proven:
        _write_end(opened.claim, opened.run, decision, detail, proven=True)
    else:
        _write_end(opened.claim, opened.run, decision, detail)


def quarantine(claim: Claim, run: Run) -> None:
    """Ends a run at which one owner after another died or broke, without reading its plan again."""
    detail = "Our own software failed at this run again and again, so it was stopped. What it had sent is not undone."
    _write_end(claim, run, End(Outcome.ERRORED, "engine.quarantined"), detail)


def _write_end(claim: Claim, run: Run, decision: End, detail: str, *, proven: bool = False) -> None:
    now = claim.now()
    targets = Target.objects.filter(run=run)
    with recorded():
        claim.write(
            phase=Phase.ENDED,
            outcome=decision.outcome,
            because=decision.because,
            detail=detail,
            ended_at=now,
            owner="",
        )
        if proven:
            passed = StageVerdict.objects.filter(run=run, mark=Mark.PASS, overruled_by=None).values("stage")
            targets.filter(step=Step.IN_PLACE, stage__in=passed).update(step=Step.VERIFIED, changed_at=now)
        targets.filter(step=Step.WAITING).update(step=Step.LEFT, changed_at=now)
        targets.filter(step=Step.ATTEMPTED).update(step=Step.FAILED, because="run.outcome-unknown", changed_at=now)
        ResourceLock.objects.filter(run=run).update(live=False)
        hand_backs.settle(run, decision.outcome, now)
        show_news(run.organization_id)
        append(_entry(run, f"run.{decision.outcome}", {"because": decision.because, "detail": detail}))
        if decision.outcome is Outcome.FAILED:
            run.because = decision.because
            weigh_end(run, Proposal.of(run.plan.thaw()).kinds, now)
    logger.info("%s has ended: %s", run.reference, f"{decision.outcome} {decision.because}".rstrip())
    try:
        with recorded():
            diagnosing.refresh(now, Resource.objects.filter(pk__in=targets.values("resource_id")))
    except Exception:  # the run has ended, whatever the page shows until the poller's next round
        logger.exception("%s has ended, but its resources could not be diagnosed", run.reference)


def _entry(run: Run, event: str, data: JsonObject) -> Entry:
    return Entry(
        event, ENGINE, run.organization.slug, str(run.pk), {"reference": run.reference, **data, **on_behalf(run.plan)}
    )
