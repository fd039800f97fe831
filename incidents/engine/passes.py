"""One owner's pass over one run: its rows as they were read under the claim, and the facts made of them.

Only the owner writes a live run's targets (every write carries its epoch), so what was read stays true for the
pass. What people may write meanwhile (a stop, an overruling) shows in the row's version, and is read again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from incidents.domain.changes import Change, Reply
from incidents.domain.decisions import RunFacts, TargetFacts
from incidents.domain.errors import Fenced
from incidents.domain.plans import Plan
from incidents.domain.runs import Phase, Seen, Step
from incidents.domain.verdicts import Mark
from incidents.engine.leases import Claim
from incidents.engine.measuring import Points, load_points
from incidents.models import Attempt, Point, Run, RunReading, StageVerdict, Target

_SENT = (Reply.ACCEPTED, Reply.REFUSED, Reply.UNANSWERED, "")


@dataclass(slots=True)
class Aim:
    """A target as this pass knows it: the row, its change, and what was seen of it since the claim.

    `replies` are those of its attempts, oldest first; "" is one whose owner died before it wrote the answer down.
    """

    row: Target
    change: Change
    replies: list[str]
    seen: Seen | None = None

    def facts(self) -> TargetFacts:
        return TargetFacts(
            index=self.row.index,
            location=self.change.location,
            step=Step(self.row.step),
            seen=self.seen,
            attempts=self.row.attempts,
            sent=any(reply in _SENT for reply in self.replies),
            refused=self.replies[-1:] == [str(Reply.REFUSED)],
            unanswered=self.replies[-1:] in ([""], [str(Reply.UNANSWERED)]),
        )


@dataclass(slots=True)
class Pass:
    """A claimed run with the targets, readings and verdict of its current stage.

    `looked_at` is when targets were observed last in this pass.
    `skipped_before` are the places (resource, location) that earlier stages left out.
    `unstored` says that the readings in here are newer than those in the database.
    """

    claim: Claim
    run: Run
    plan: Plan
    aims: dict[int, Aim] = field(default_factory=dict)
    readings: list[RunReading] = field(default_factory=list)
    points: Points = field(default_factory=dict)
    unstored: bool = False
    verdict: StageVerdict | None = None
    measured_at: datetime | None = None
    skipped: frozenset[str] = frozenset()
    skipped_before: frozenset[tuple[uuid.UUID, int]] = frozenset()
    proven: bool = False
    unproven: bool = False
    whole: bool | None = None
    looked_at: datetime | None = None

    def counted(self) -> list[RunReading]:
        """The readings that must prove this stage: not those of what was left out, in this stage or an earlier one."""
        now = {(aim.row.resource_id, aim.row.location_id) for aim in self.aims.values() if aim.row.step == Step.SKIPPED}
        left_out = now | self.skipped_before
        return [row for row in self.readings if (row.resource_id, row.location_id) not in left_out]

    def facts(self) -> RunFacts:
        """What `decide` asks for."""
        run, verdict = self.run, self.verdict
        return RunFacts(
            phase=Phase(run.phase),
            last_stage=run.stage + 1 >= len(self.plan.stages),
            stage_began_at=run.stage_began_at,
            deadline_at=run.deadline_at,
            stop_asked_at=run.stop_asked_at,
            targets=tuple(aim.facts() for aim in self.aims.values()),
            proof=self.plan.terms.proof,
            verdict=Mark(verdict.mark) if verdict else None,
            measured_at=self.measured_at,
            overruled=verdict is not None and verdict.overruled_by_id is not None,
            unproven=self.unproven,
            skipped=self.skipped,
            tolerate=self.plan.terms.tolerate,
            proven=self.proven,
            watched=bool(self.counted()),
            whole=self.whole,
        )


def begin_pass(claim: Claim) -> Pass:
    """Reads the run under its claim. Raises ValueError when the stored plan is not the one that was shown."""
    run = claimed_run(claim)
    plan = run.plan.thaw()
    opened = Pass(claim, run, plan)
    read_stage(opened)
    return opened


def read_run(opened: Pass) -> None:
    """Reads again what people may have written. Raises Fenced when another owner has the run."""
    opened.run = claimed_run(opened.claim)
    opened.whole = None
    opened.verdict = StageVerdict.objects.filter(run=opened.run, stage=opened.run.stage).first()


def read_stage(opened: Pass) -> None:
    """Reads the targets, attempts, readings and verdict of the run's current stage, and what stages before left."""
    run, plan = opened.run, opened.plan
    replies: dict[int, list[str]] = {}
    tries = Attempt.objects.filter(target__run=run, target__stage=run.stage).order_by("number")
    for target, reply in tries.values_list("target_id", "reply"):
        replies.setdefault(target, []).append(reply)
    opened.aims = {
        row.index: Aim(row, plan.changes[row.index], replies.get(row.pk, []))
        for row in Target.objects.filter(run=run, stage=run.stage).order_by("index")
    }
    earlier = Target.objects.filter(run=run, stage__lt=run.stage)
    skipped = list(earlier.filter(step=Step.SKIPPED).values_list("location__slug", "resource_id", "location_id"))
    opened.skipped = frozenset(slug for slug, _, _ in skipped) | frozenset(plan.left_out)
    opened.skipped_before = frozenset((resource, location) for _, resource, location in skipped)
    opened.unproven = StageVerdict.objects.filter(run=run, stage__lt=run.stage, overruled_by__isnull=False).exists()
    opened.proven = run.stage > 0 and earlier.filter(step=Step.VERIFIED).exists()
    watch(opened, RunReading.objects.filter(run=run, stage=run.stage))
    opened.verdict = StageVerdict.objects.filter(run=run, stage=run.stage).first()
    opened.measured_at = None


def watch(opened: Pass, readings: Iterable[RunReading]) -> None:
    """Makes these the readings of the current stage, and knows the points behind them."""
    opened.readings = list(readings)
    opened.points = load_points(Point.objects.filter(pk__in=[row.point_id for row in opened.readings]))


def claimed_run(claim: Claim) -> Run:
    """The run's row. Raises Fenced when another owner has it."""
    run = (
        Run.objects.filter(pk=claim.run_id, epoch=claim.epoch)
        .select_related("plan__consent__organization", "organization")
        .first()
    )
    if run is None:
        raise Fenced(f"run {claim.run_id}: epoch {claim.epoch} is over")
    claim.version = run.version
    return run
