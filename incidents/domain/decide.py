"""What a run does next. Facts and a moment go in, one decision comes out; nothing is done in here.

Order matters; the first rule that fits decides:

1. an ended run does nothing;
2. what was attempted is looked at before anything else: the truth comes before stops and deadlines;
3. a stop, then a deadline, ends it;
4. a run that has not begun measures its baseline;
5. what waits is looked at, then applied, in the order of the stages;
6. what is in place is measured until there is a verdict;
7. the verdict moves it on, pauses it, or ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

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
from incidents.domain.verdicts import Mark

# A change that was sent this often and is still not there is not going to be there.
MOST_ATTEMPTS = 4
# How long a stage waits for a location that does not answer before it is left out, or the run fails.
PATIENCE = timedelta(seconds=15)
# The longest budget of one call that the inventory allows.
MOST_BUDGET = timedelta(seconds=10)
# A call that was not answered may still have its effect until this long after it was made.
LANDING = MOST_BUDGET + timedelta(seconds=2)
# How often a backend is asked whether it has carried out what it has taken, such as a deployment that rolls out.
CARRYING_OUT = timedelta(seconds=1)
# How long after its deadline a run still looks for what came of the last thing that it sent.
LOOK_ON = timedelta(minutes=2)
# How long it looks on after a stop: one dead location must not keep everything else locked.
LOOK_ON_AFTER_STOP = timedelta(seconds=30)
# The longest time between two readings of a stage.
SLOWEST_LOOK = timedelta(seconds=5)
# A paused run goes on measuring, for the world may still come right by itself.
PAUSED_LOOK = timedelta(seconds=5)

# What is found done before anything was sent, and what comes of it.
ALREADY = {
    Seen.AFTER: (Step.IN_PLACE, "target.already-so"),
    Seen.STUCK: (Step.FAILED, "backend.gave-up"),
}


def decide(run: RunFacts, now: datetime) -> Decision:
    """The next thing to do; see the rules above."""
    if run.phase is Phase.ENDED:
        return Nothing()
    return _truth_first(run, now) or _over(run, now) or _go_on(run, now)


def _truth_first(run: RunFacts, now: datetime) -> Decision | None:
    """Rule 2: settle what was attempted; None when nothing is open."""
    attempted = [target for target in run.targets if target.step is Step.ATTEMPTED]
    unseen = tuple(target.index for target in attempted if target.seen is None)
    if unseen:
        return Look(unseen)
    patience_over = now - run.stage_began_at > PATIENCE
    settled = tuple(
        (target.index, *settled)
        for target in attempted
        if not (target.seen is Seen.BEFORE and _may_still_land(run, target, now))
        and (settled := _settle(target, patience_over=patience_over, ending=_is_ending(run, now))) is not None
    )
    if settled:
        return Mend(settled)
    if any(target.seen is Seen.UNSETTLED for target in attempted):
        return Wait(now + CARRYING_OUT, "backend.carrying-out")
    if any(target.seen is Seen.UNREADABLE for target in attempted):
        return _unknown(run, now)
    if any(_may_still_land(run, target, now) for target in attempted):
        return Wait(now + timedelta(seconds=1), "run.outcome-unknown")
    return None


def _unknown(run: RunFacts, now: datetime) -> Decision:
    """What was sent cannot be seen: look on for a while, then say openly that the outcome is unknown."""
    if run.stop_asked_at is not None and now >= run.stop_asked_at + LOOK_ON_AFTER_STOP:
        return End(Outcome.STOPPED, "run.outcome-unknown")
    if now >= run.deadline_at + LOOK_ON:
        return End(Outcome.EXPIRED, "run.outcome-unknown")
    return Wait(now + timedelta(seconds=1), "run.outcome-unknown")


def _may_still_land(run: RunFacts, target: TargetFacts, now: datetime) -> bool:
    """Whether it would be too early to end the run, for the last call may still have its effect."""
    ending = _is_ending(run, now) or target.attempts >= MOST_ATTEMPTS
    return ending and target.unanswered and now < run.stage_began_at + LANDING


def _is_ending(run: RunFacts, now: datetime) -> bool:
    return run.stop_asked_at is not None or now >= run.deadline_at


def _settle(target: TargetFacts, *, patience_over: bool, ending: bool) -> tuple[Step, str] | None:
    """What looking has shown of an attempted target; None while it is open or may be tried again."""
    if target.seen is Seen.AFTER:
        return Step.IN_PLACE, ""
    if target.seen is Seen.UNSETTLED and ending:
        return Step.IN_PLACE, "backend.carrying-out"
    if target.seen is Seen.STUCK:
        return Step.FAILED, "backend.gave-up"
    if target.seen is Seen.OTHER:
        return Step.FAILED, "target.changed-by-others"
    if target.seen is Seen.BEFORE and target.refused:
        return Step.FAILED, "backend.refused"
    if target.seen is Seen.BEFORE and target.attempts >= MOST_ATTEMPTS:
        return Step.FAILED, "backend.did-nothing" if target.sent else "backend.unreachable"
    if target.seen is Seen.UNREADABLE and not target.sent and patience_over:
        return Step.FAILED, "backend.unreachable"
    return None


def _over(run: RunFacts, now: datetime) -> Decision | None:
    """Rule 3; nothing is open when it is asked."""
    if run.stop_asked_at is not None:
        return End(Outcome.STOPPED, "run.stopped-by-person")
    if now >= run.deadline_at:
        return End(Outcome.EXPIRED, "run.deadline")
    return None


def _go_on(run: RunFacts, now: datetime) -> Decision:
    """Rules 4 to 7."""
    if run.phase is Phase.ACCEPTED:
        return Begin()
    waiting = [target for target in run.targets if target.step in (Step.WAITING, Step.ATTEMPTED)]
    if waiting:
        return _carry_out(run, waiting, now)
    failed = [target for target in run.targets if target.step is Step.FAILED]
    if failed:
        return End(Outcome.FAILED, "run.target-failed")
    # With the last stage of several kinds also what earlier stages did is proven, though nothing of its own is left.
    if all(target.step is Step.SKIPPED for target in run.targets) and not run.watched:
        if run.last_stage and not run.proven:
            return End(Outcome.FAILED, "backend.unreachable")
        return _finish(run) if run.last_stage else NextStage()
    return _prove(run, now)


def _carry_out(run: RunFacts, waiting: Sequence[TargetFacts], now: datetime) -> Decision:
    """Rule 5. A target that was attempted in vain stands here again, as one that waits."""
    unseen = tuple(target.index for target in waiting if target.seen is None)
    if unseen:
        return Look(unseen)
    settled = tuple(
        (target.index, *ALREADY[target.seen])
        for target in waiting
        if target.step is Step.WAITING and target.seen in ALREADY
    )
    if settled:
        return Mend(settled)
    if any(target.seen is Seen.OTHER for target in waiting):
        return End(Outcome.FAILED, "guard.drift")
    if any(target.seen is Seen.UNSETTLED for target in waiting):
        return Wait(now + CARRYING_OUT, "backend.carrying-out")
    ready = [target for target in waiting if target.seen is Seen.BEFORE]
    again = max((target.attempts for target in ready), default=0)
    due = run.stage_began_at + timedelta(milliseconds=250 * again * again)
    if ready and now < due:
        return Wait(due, "backend.try-again")
    if ready:
        return Apply(tuple(target.index for target in ready))
    return _unreadable(run, waiting, now)


def _unreadable(run: RunFacts, waiting: Sequence[TargetFacts], now: datetime) -> Decision:
    """Locations that do not answer: waited for, then left out as far as the preapproval tolerates."""
    if now - run.stage_began_at <= PATIENCE:
        return Wait(now + timedelta(seconds=1), "backend.unreachable")
    silent = {target.location for target in waiting}
    if len(run.skipped | silent) <= run.tolerate:
        return Mend(tuple((target.index, Step.SKIPPED, "backend.unreachable") for target in waiting))
    return Mend(tuple((target.index, Step.FAILED, "backend.unreachable") for target in waiting))


def _prove(run: RunFacts, now: datetime) -> Decision:
    """Rules 6 and 7: everything of this stage is in place or left out."""
    if run.verdict is Mark.FAIL:
        return End(Outcome.FAILED, "verdict.fail")
    if run.verdict is Mark.PASS or run.overruled:
        return _finish(run) if run.last_stage else NextStage()
    slower = min(max(run.proof.every, (now - run.stage_began_at) / 10), SLOWEST_LOOK)
    every = slower if run.verdict is None else PAUSED_LOOK
    if run.measured_at is None or now - run.measured_at >= every:
        return Measure()
    until = min(run.measured_at + every, run.deadline_at)
    if run.verdict is None:
        return Wait(until, "verdict.pending")
    return Pause(until, f"verdict.{run.verdict}")


def _finish(run: RunFacts) -> Decision:
    """The last stage is proven. Success is what is so now, at every location, not what was so once."""
    if run.whole is None:
        return Confirm()
    if not run.whole:
        return End(Outcome.FAILED, "run.came-undone")
    return End(Outcome.SUCCEEDED, "run.unproven" if run.overruled or run.unproven else "")
