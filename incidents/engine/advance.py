"""Carries one run on: claim, then decide and do, one effect at most before the world is looked at again."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError
from structlog.contextvars import bound_contextvars

from incidents.domain.decide import decide
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
    Wait,
)
from incidents.domain.errors import Fenced
from incidents.domain.runs import Outcome, Phase
from incidents.engine import confirming, stages, targets
from incidents.engine.leases import Claim, Overtaken, claim
from incidents.engine.passes import Pass, begin_pass, claimed_run, read_run

logger = logging.getLogger(__name__)

# A wait up to this is sat out; a longer one gives the thread back and sets `wake_at`.
SIT_OUT = timedelta(milliseconds=300)
# An owner that dies or breaks this often at one run is killed by the run.
MOST_CRASHES = 3
# Before our own error is tried again.
AFTER_ERROR = timedelta(seconds=2)

# Decisions that say all by their name.
STEPS: dict[type[Decision], Callable[[Pass], None]] = {
    Begin: stages.begin,
    Measure: stages.measure,
    Confirm: confirming.confirm,
    NextStage: stages.next_stage,
}


def advance(run_id: uuid.UUID) -> None:
    """Does all that can be done now for one run, if nobody else is at it. Safe to call at any time and often."""
    held = claim(run_id)
    if held is None:
        return
    with bound_contextvars(run_id=str(run_id)):
        _take(held)


def _take(held: Claim) -> None:
    run_id = held.run_id
    try:
        _carry_on(held)
    except Fenced as fenced:
        logger.warning("%s; another owner goes on", fenced)
    except OperationalError as error:  # busy, or away: it says nothing about this run, which must not be quarantined
        logger.warning("run %s: the database did not take a step (%s); it is tried again", run_id, error)
        held.drop(held.now() + AFTER_ERROR, counts=False)
    except Exception:  # our own fault: the claim is dropped, and counts as a crash until the run is quarantined
        logger.exception("run %s: a pass broke", run_id)
        held.drop(held.now() + AFTER_ERROR)


def _carry_on(held: Claim) -> None:
    run = claimed_run(held)
    if run.crashes >= MOST_CRASHES:
        stages.quarantine(held, run)
        return
    opened = begin_pass(held)
    while True:
        held.renew()
        decision = decide(opened.facts(), held.now())
        logger.debug("run %s: %s", opened.run.reference, decision)
        try:
            if _rests(opened, decision):
                return
        except Overtaken:
            read_run(opened)


def _rests(opened: Pass, decision: Decision) -> bool:
    """Does what was decided; True when the run is let go."""
    match decision:
        case Nothing():
            return True
        case Begin() | Measure() | Confirm() | NextStage():
            STEPS[type(decision)](opened)
        case Look():
            targets.look(opened, decision)
        case Mend():
            targets.mend(opened, decision)
        case Apply():
            return _apply(opened, decision)
        case End():
            stages.end(opened, decision)
            return True
        case Wait() | Pause():
            return _wait(opened, decision)
    return False


def _apply(opened: Pass, decision: Apply) -> bool:
    against = targets.apply(opened, decision)
    if against:
        stages.end(opened, End(Outcome.STOPPED, against[0].code), against[0].text)
    return bool(against)


def _wait(opened: Pass, decision: Wait | Pause) -> bool:
    """Sits a short wait out; otherwise lets the run go until its time comes."""
    left = decision.until - opened.claim.now()
    if left <= SIT_OUT:
        time.sleep(max(0.0, left.total_seconds()))
        _forget_unread(opened)
        return False
    stages.store_readings(opened)
    phase = Phase.PAUSED if isinstance(decision, Pause) else Phase.RUNNING
    if opened.claim.release(decision.until, phase=phase, because=decision.because):
        return True
    read_run(opened)
    return False


def _forget_unread(opened: Pass) -> None:
    """After a wait, what was seen is old: open targets are looked at again."""
    for aim in opened.aims.values():
        aim.seen = None
