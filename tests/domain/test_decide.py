"""What a run does next, as a table: facts on the left, the decision on the right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from incidents.domain.decide import LANDING, LOOK_ON, LOOK_ON_AFTER_STOP, MOST_ATTEMPTS, PATIENCE, PAUSED_LOOK, decide
from incidents.domain.decisions import (
    Apply,
    Begin,
    Confirm,
    Decision,
    End,
    Look,
    Measure,
    Mend,
    NextStage,
    Nothing,
    Pause,
    RunFacts,
    TargetFacts,
    Wait,
)
from incidents.domain.runs import Outcome, Phase, Seen, Step
from incidents.domain.verdicts import Mark, Proof

NOW = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SOON = NOW + timedelta(seconds=1)

WAITING = TargetFacts(0, "edge-a", Step.WAITING)
OTHER_WAITING = TargetFacts(1, "edge-b", Step.WAITING)
ATTEMPTED = TargetFacts(0, "edge-a", Step.ATTEMPTED, attempts=1, sent=True)
IN_PLACE = TargetFacts(0, "edge-a", Step.IN_PLACE, attempts=1, sent=True)
FAILED = TargetFacts(0, "edge-a", Step.FAILED, attempts=1)
SKIPPED = TargetFacts(0, "edge-a", Step.SKIPPED)

RUN = RunFacts(
    phase=Phase.RUNNING,
    last_stage=False,
    stage_began_at=NOW,
    deadline_at=LATER,
    stop_asked_at=None,
    targets=(WAITING,),
    proof=Proof(),
)


def seen(target: TargetFacts, what: Seen, **fields: object) -> TargetFacts:
    return replace(target, seen=what, **fields)  # type: ignore[arg-type]


def run(*targets: TargetFacts, **fields: object) -> RunFacts:
    return replace(RUN, targets=targets, **fields)  # type: ignore[arg-type]


LONG_AGO = NOW - PATIENCE - timedelta(seconds=1)
EXHAUSTED = {"attempts": MOST_ATTEMPTS}

TABLE: list[tuple[str, RunFacts, Decision]] = [
    # Rule 1
    ("an ended run does nothing", run(ATTEMPTED, phase=Phase.ENDED), Nothing()),
    # Rule 2: the truth comes first
    ("what was attempted is looked at", run(ATTEMPTED, OTHER_WAITING), Look((0,))),
    ("even when a stop is asked", run(ATTEMPTED, stop_asked_at=NOW), Look((0,))),
    ("even after the deadline", run(ATTEMPTED, deadline_at=NOW), Look((0,))),
    ("seen as planned: in place", run(seen(ATTEMPTED, Seen.AFTER)), Mend(((0, Step.IN_PLACE, ""),))),
    ("changed by somebody else", run(seen(ATTEMPTED, Seen.OTHER)),
     Mend(((0, Step.FAILED, "target.changed-by-others"),))),
    ("refused, and still as before", run(seen(ATTEMPTED, Seen.BEFORE, refused=True)),
     Mend(((0, Step.FAILED, "backend.refused"),))),
    ("refused, and yet it is there: only the world counts", run(seen(ATTEMPTED, Seen.AFTER, refused=True)),
     Mend(((0, Step.IN_PLACE, ""),))),
    ("said yes three times and did nothing", run(seen(ATTEMPTED, Seen.BEFORE, **EXHAUSTED)),
     Mend(((0, Step.FAILED, "backend.did-nothing"),))),
    ("never reached", run(seen(ATTEMPTED, Seen.BEFORE, sent=False, **EXHAUSTED)),
     Mend(((0, Step.FAILED, "backend.unreachable"),))),
    ("no answer and nothing to see: outcome unknown", run(seen(ATTEMPTED, Seen.UNREADABLE)),
     Wait(SOON, "run.outcome-unknown")),
    ("still unknown long after the deadline", run(seen(ATTEMPTED, Seen.UNREADABLE), deadline_at=NOW - LOOK_ON),
     End(Outcome.EXPIRED, "run.outcome-unknown")),
    ("never sent, and silent for too long", run(seen(ATTEMPTED, Seen.UNREADABLE, sent=False), stage_began_at=LONG_AGO),
     Mend(((0, Step.FAILED, "backend.unreachable"),))),
    ("sent, and silent: never called failed", run(seen(ATTEMPTED, Seen.UNREADABLE), stage_began_at=LONG_AGO),
     Wait(SOON, "run.outcome-unknown")),
    ("stopped, and nothing to see for long: the outcome is unknown",
     run(seen(ATTEMPTED, Seen.UNREADABLE), stop_asked_at=NOW - LOOK_ON_AFTER_STOP),
     End(Outcome.STOPPED, "run.outcome-unknown")),
    ("stopped, but the last call may still land", run(seen(ATTEMPTED, Seen.BEFORE, unanswered=True), stop_asked_at=NOW),
     Wait(SOON, "run.outcome-unknown")),
    ("expired, but the last call may still land", run(seen(ATTEMPTED, Seen.BEFORE, unanswered=True), deadline_at=NOW),
     Wait(SOON, "run.outcome-unknown")),
    ("given up, but the last call may still land", run(seen(ATTEMPTED, Seen.BEFORE, unanswered=True, **EXHAUSTED)),
     Wait(SOON, "run.outcome-unknown")),
    ("stopped, and it cannot land any more",
     run(seen(ATTEMPTED, Seen.BEFORE, unanswered=True), stop_asked_at=NOW, stage_began_at=NOW - LANDING),
     End(Outcome.STOPPED, "run.stopped-by-person")),
    # Rule 3
    ("a stop ends it", run(WAITING, stop_asked_at=NOW), End(Outcome.STOPPED, "run.stopped-by-person")),
    ("a stop before it began", run(WAITING, stop_asked_at=NOW, phase=Phase.ACCEPTED),
     End(Outcome.STOPPED, "run.stopped-by-person")),
    ("a stop while it is paused", run(IN_PLACE, stop_asked_at=NOW, phase=Phase.PAUSED, verdict=Mark.INCONCLUSIVE),
     End(Outcome.STOPPED, "run.stopped-by-person")),
    ("the deadline ends it", run(WAITING, deadline_at=NOW), End(Outcome.EXPIRED, "run.deadline")),
    # Rule 4
    ("it begins with a baseline", run(WAITING, phase=Phase.ACCEPTED), Begin()),
    # Rule 5
    ("what waits is looked at, all of it", run(WAITING, OTHER_WAITING), Look((0, 1))),
    ("as before: apply", run(seen(WAITING, Seen.BEFORE), seen(OTHER_WAITING, Seen.BEFORE)), Apply((0, 1))),
    ("already so: nothing to send", run(seen(WAITING, Seen.AFTER)),
     Mend(((0, Step.IN_PLACE, "target.already-so"),))),
    ("the world has moved: the plan is void", run(seen(WAITING, Seen.OTHER), seen(OTHER_WAITING, Seen.BEFORE)),
     End(Outcome.FAILED, "guard.drift")),
    ("a silent location does not hold up the other", run(seen(WAITING, Seen.UNREADABLE),
     seen(OTHER_WAITING, Seen.BEFORE)), Apply((1,))),
    ("a silent location is waited for", run(seen(WAITING, Seen.UNREADABLE)), Wait(SOON, "backend.unreachable")),
    ("then left out, if that is tolerated", run(seen(WAITING, Seen.UNREADABLE), stage_began_at=LONG_AGO, tolerate=1),
     Mend(((0, Step.SKIPPED, "backend.unreachable"),))),
    ("or failed, if it is not", run(seen(WAITING, Seen.UNREADABLE), stage_began_at=LONG_AGO),
     Mend(((0, Step.FAILED, "backend.unreachable"),))),
    ("tolerance is spent once", run(seen(WAITING, Seen.UNREADABLE), stage_began_at=LONG_AGO, tolerate=1,
     skipped=frozenset({"edge-c"})), Mend(((0, Step.FAILED, "backend.unreachable"),))),
    ("tried in vain: again, after a moment", run(seen(ATTEMPTED, Seen.BEFORE)),
     Wait(NOW + timedelta(milliseconds=250), "backend.try-again")),
    ("and then", run(seen(ATTEMPTED, Seen.BEFORE), stage_began_at=NOW - timedelta(seconds=1)), Apply((0,))),
    ("as planned, but still being carried out: wait", run(seen(ATTEMPTED, Seen.UNSETTLED)),
     Wait(SOON, "backend.carrying-out")),
    ("and also where somebody else did it", run(seen(WAITING, Seen.UNSETTLED)), Wait(SOON, "backend.carrying-out")),
    ("a stop does not wait for it", run(seen(ATTEMPTED, Seen.UNSETTLED), stop_asked_at=NOW),
     Mend(((0, Step.IN_PLACE, "backend.carrying-out"),))),
    ("nor does the deadline", run(seen(ATTEMPTED, Seen.UNSETTLED), deadline_at=NOW),
     Mend(((0, Step.IN_PLACE, "backend.carrying-out"),))),
    ("its backend has given up", run(seen(ATTEMPTED, Seen.STUCK)), Mend(((0, Step.FAILED, "backend.gave-up"),))),
    ("and also where somebody else did it: failed", run(seen(WAITING, Seen.STUCK)),
     Mend(((0, Step.FAILED, "backend.gave-up"),))),
    # Rules 6 and 7
    ("a failed target ends it", run(FAILED, IN_PLACE), End(Outcome.FAILED, "run.target-failed")),
    ("in place: measure", run(IN_PLACE), Measure()),
    ("measured a moment ago: wait", run(IN_PLACE, measured_at=NOW),
     Wait(NOW + Proof().every, "verdict.pending")),
    ("proven: next stage", run(IN_PLACE, verdict=Mark.PASS), NextStage()),
    ("proven, and the last: look at the whole once more", run(IN_PLACE, verdict=Mark.PASS, last_stage=True),
     Confirm()),
    ("and an earlier stage has come undone", run(IN_PLACE, verdict=Mark.PASS, last_stage=True, whole=False),
     End(Outcome.FAILED, "run.came-undone")),
    ("proven, the last, and whole: succeeded", run(IN_PLACE, verdict=Mark.PASS, last_stage=True, whole=True),
     End(Outcome.SUCCEEDED, "")),
    ("fail stops it", run(IN_PLACE, verdict=Mark.FAIL), End(Outcome.FAILED, "verdict.fail")),
    ("inconclusive goes on measuring", run(IN_PLACE, verdict=Mark.INCONCLUSIVE), Measure()),
    ("and asks a person", run(IN_PLACE, verdict=Mark.INCONCLUSIVE, measured_at=NOW),
     Pause(NOW + PAUSED_LOOK, "verdict.inconclusive")),
    ("error asks too", run(IN_PLACE, verdict=Mark.ERROR, measured_at=NOW),
     Pause(NOW + PAUSED_LOOK, "verdict.error")),
    ("fail is not to be overruled", run(IN_PLACE, verdict=Mark.FAIL, overruled=True),
     End(Outcome.FAILED, "verdict.fail")),
    ("overruled, and the last: in place, but never called proven",
     run(IN_PLACE, verdict=Mark.ERROR, overruled=True, last_stage=True, whole=True),
     End(Outcome.SUCCEEDED, "run.unproven")),
    ("an earlier stage was overruled: so is the whole",
     run(IN_PLACE, verdict=Mark.PASS, unproven=True, last_stage=True, whole=True),
     End(Outcome.SUCCEEDED, "run.unproven")),
    ("no wait goes beyond the deadline", run(IN_PLACE, verdict=Mark.ERROR, measured_at=NOW, deadline_at=SOON),
     Pause(SOON, "verdict.error")),
    ("overruled: next stage", run(IN_PLACE, verdict=Mark.ERROR, overruled=True), NextStage()),
    ("all left out: next stage", run(SKIPPED), NextStage()),
    ("all left out in the last stage, something proven before",
     run(SKIPPED, last_stage=True, proven=True, whole=True),
     End(Outcome.SUCCEEDED, "")),
    ("all left out of the last stage, which proves earlier ones too: it is measured",
     run(SKIPPED, last_stage=True, proven=True, watched=True), Measure()),
    ("nothing was reached at all", run(SKIPPED, last_stage=True), End(Outcome.FAILED, "backend.unreachable")),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_decide(facts: RunFacts, decision: Decision) -> None:
    assert decide(facts, NOW) == decision


@pytest.mark.parametrize("step", [Step.WAITING, Step.ATTEMPTED])
@pytest.mark.parametrize("what", [None, *Seen])
@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("stop", [True, False])
def test_no_effect_without_having_seen_the_state_before(
    step: Step, what: Seen | None, phase: Phase, stop: bool
) -> None:
    """Promise 2: whatever the facts, a target is only applied when this pass has seen its `before`."""
    target = TargetFacts(0, "edge-a", step, seen=what, attempts=1 if step is Step.ATTEMPTED else 0, sent=True)
    decision = decide(run(target, phase=phase, stop_asked_at=NOW if stop else None, stage_began_at=LONG_AGO), NOW)
    if isinstance(decision, Apply):
        assert (what, phase in (Phase.RUNNING, Phase.PAUSED), stop) == (Seen.BEFORE, True, False)
