"""How far each stage of a run has come, as a list in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incidents.domain.runs import Outcome, Phase, Step
from incidents.models import Run


class Status(StrEnum):
    """The word that stands before a line of the list."""

    DONE = "Done"
    IN_PROGRESS = "In progress"
    WAITING = "Waiting"
    ASKS = "Needs a decision"
    FAILED = "Failed"
    LEFT_OUT = "Left out"
    NOT_DONE = "Not done"


@dataclass(frozen=True, slots=True)
class Verdict:
    mark: str
    at: datetime
    overruled_by: str
    overruled_because: str


@dataclass(slots=True)
class StageFacts:
    """Targets of one stage, counted by step."""

    number: int
    sent_at: datetime | None
    places: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    steps: Counter[str] = field(default_factory=Counter)
    changed_at: datetime | None = None

    def add(self, place: str, kind: str, step: str, count: int, changed_at: datetime) -> None:
        self.kinds.add(kind)
        if place not in self.places:
            self.places.append(place)
        self.steps[step] += count
        self.changed_at = max(self.changed_at or changed_at, changed_at)

    @property
    def total(self) -> int:
        return sum(self.steps.values())

    @property
    def in_place(self) -> int:
        return self.steps[Step.IN_PLACE] + self.steps[Step.VERIFIED]

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is still on its way."""
        return not (self.steps[Step.WAITING] or self.steps[Step.ATTEMPTED] or self.steps[Step.LEFT])


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage: sending the change to its locations, then looking from outside.

    Args:
        number: which one it is, counted from 0.
        kinds: of what changes in it.
        send, check: how far the two halves have come.
        in_place, total: targets.
        overruled_by: who decided to go on without proof.
    """

    number: int
    places: tuple[str, ...]
    kinds: frozenset[str]
    send: Status
    check: Status
    in_place: int
    total: int
    sent_at: datetime | None
    checked_at: datetime | None
    overruled_by: str


def lines(run: Run, stages: Sequence[StageFacts], verdicts: Mapping[int, Verdict]) -> tuple[StageLine, ...]:
    return tuple(_line(run, stage, verdicts.get(stage.number)) for stage in stages)


def _line(run: Run, stage: StageFacts, verdict: Verdict | None) -> StageLine:
    send = _send(run, stage)
    return StageLine(
        number=stage.number,
        places=tuple(stage.places),
        kinds=frozenset(stage.kinds),
        send=send,
        check=_check(run, stage, send),
        in_place=stage.in_place,
        total=stage.total,
        sent_at=stage.sent_at,
        checked_at=verdict.at if verdict else None,
        overruled_by=verdict.overruled_by if verdict else "",
    )


def _send(run: Run, stage: StageFacts) -> Status:
    if stage.steps[Step.SKIPPED] == stage.total:
        return Status.LEFT_OUT
    if stage.is_settled:
        return Status.FAILED if stage.steps[Step.FAILED] else Status.DONE
    if not run.is_live:
        return Status.FAILED if stage.steps[Step.FAILED] else Status.NOT_DONE
    begun = stage.number == run.stage and run.phase != Phase.ACCEPTED
    return Status.IN_PROGRESS if begun else Status.WAITING


def _check(run: Run, stage: StageFacts, send: Status) -> Status:
    if send is Status.LEFT_OUT:
        return Status.LEFT_OUT
    if stage.number < run.stage or run.outcome == Outcome.SUCCEEDED:
        return Status.DONE
    if not run.is_live:
        condemned = stage.number == run.stage and run.because == "verdict.fail"
        return Status.FAILED if condemned else Status.NOT_DONE
    if stage.number > run.stage or send is not Status.DONE:
        return Status.WAITING
    return Status.ASKS if run.phase == Phase.PAUSED else Status.IN_PROGRESS
