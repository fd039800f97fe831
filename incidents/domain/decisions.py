"""The facts that `decide` is given about a run, and the decisions that it may give back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from incidents.domain.runs import Outcome, Phase, Seen, Step
from incidents.domain.verdicts import Mark, Proof


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target of the current stage.

    Args:
        index: of the change in the plan.
        location: slug.
        step: how far it has come.
        seen: what this pass saw; None when it has not looked since it claimed the run or applied.
        attempts: committed intents so far.
        sent: whether anything may have reached the backend in any attempt.
        refused: whether the backend answered no to the last attempt.
        unanswered: whether it did not answer the last attempt, which may thus still have its effect.
    """

    index: int
    location: str
    step: Step
    seen: Seen | None = None
    attempts: int = 0
    sent: bool = False
    refused: bool = False
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run, and the targets of its current stage.

    Args:
        last_stage: whether this stage is the last one.
        stage_began_at: when this stage, or its newest attempt, began.
        verdict: on this stage; None while there is none.
        measured_at: when the newest reading of this stage was taken; None when there is none.
        overruled: whether a person has overruled the verdict of this stage.
        unproven: whether a person has overruled that of an earlier stage.
        skipped: slugs of the locations that the run has left out in earlier stages.
        tolerate: how many locations may be left out.
        proven: whether anything was verified in earlier stages.
        watched: whether this stage has points to read of what is not left out.
        whole: whether all stages together still are as they were proven; None when that was not looked at.
    """

    phase: Phase
    last_stage: bool
    stage_began_at: datetime
    deadline_at: datetime
    stop_asked_at: datetime | None
    targets: tuple[TargetFacts, ...]
    proof: Proof
    verdict: Mark | None = None
    measured_at: datetime | None = None
    overruled: bool = False
    unproven: bool = False
    skipped: frozenset[str] = frozenset()
    tolerate: int = 0
    proven: bool = False
    watched: bool = False
    whole: bool | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """It has ended."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Measure every point before the first effect, and start."""


@dataclass(frozen=True, slots=True)
class Look:
    """Observe these targets."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mend:
    """Record what looking has settled: the step that each of these targets has come to, and the code of why."""

    steps: tuple[tuple[int, Step, str], ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """Commit an intent for each of these targets, then ask the backends. The only effect there is."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """Read every point of this stage, and judge."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Look at all stages once more: what was proven first may have come undone since."""


@dataclass(frozen=True, slots=True)
class NextStage:
    """This stage is proven, or overruled: its targets are verified, the next stage begins."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`; `because` says what it waits for."""

    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Ask a person; look again at `until` all the same."""

    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    outcome: Outcome
    because: str


Decision: TypeAlias = Nothing | Begin | Look | Mend | Apply | Measure | Confirm | NextStage | Wait | Pause | End
