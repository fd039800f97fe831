"""Readings, and the verdict on a stage: is the world, seen from outside, right after what we did?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Mark(StrEnum):
    """The four things that a measurement or a verdict can say."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # measured, but it proves nothing
    ERROR = "error"  # the instrument is broken


def opposite(wanted: Mark) -> Mark:
    """What contradicts a point that should say `pass` or `fail`; no measurement contradicts nothing."""
    return Mark.FAIL if wanted is Mark.PASS else Mark.PASS


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement of one point.

    Args:
        mark: what it says.
        milliseconds: time to connect, where that was measured; -1 where not.
        detail: a few words for people; constant for the same cause, so that stretches stay long.
    """

    mark: Mark
    milliseconds: int = -1
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """One point of a stage. After a restore it should say `pass`, after a withdrawal `fail`.

    Args:
        needed: whether it must be right. What need not be must only not get worse: a step on the way has not restored
            everything yet.
        was_right: whether it said so before the first effect; None when it could not be told.
        latest: the newest mark since the stage's changes were in place; None when not yet measured.
        right: how many of the newest marks in a row are what they should be.
        wrong: how many of the newest marks in a row are the opposite.
    """

    was_right: bool | None
    latest: Mark | None
    right: int = 0
    wrong: int = 0
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Proof:
    """What a preapproval asks of a stage before it counts as proven.

    Args:
        in_a_row: how often in a row every point must say what it should, at least 1.
        every: time between two looks.
        settle: how long a point that was right before may be wrong before it condemns the change: routes reconverge.
        within: how long to wait for the world to follow, from the moment the changes were in place.
    """

    in_a_row: int = 2
    every: timedelta = timedelta(milliseconds=20)
    settle: timedelta = timedelta(seconds=3)
    within: timedelta = timedelta(seconds=60)


def judge(points: Sequence[Watched], in_place_at: datetime, now: datetime, proof: Proof) -> Mark | None:
    """The verdict on a stage, or None while it is too early to say.

    - `pass`: every point said what it should `proof.in_a_row` times; one that is not needed, and was not right before,
      has only to be measured.
    - `fail`: a point that was right before the change is wrong as often in a row once the network had time to settle;
      only a regression condemns a change.
    - `error`: at the end of the time no point could be measured at all.
    - `inconclusive`: at the end of the time something is still not proven: a point that was wrong before and
      is wrong still, or one without a measurement. No points at all prove nothing either.
    """
    if not points:
        return Mark.INCONCLUSIVE
    if all(_is_proven(point, proof) for point in points):
        return Mark.PASS
    waited = now - in_place_at
    regressed = any(point.was_right and point.wrong >= proof.in_a_row for point in points)
    if regressed and waited >= proof.settle:
        return Mark.FAIL
    if waited < proof.within:
        return None
    if all(point.latest in (Mark.ERROR, None) for point in points):
        return Mark.ERROR
    return Mark.INCONCLUSIVE


def _is_proven(point: Watched, proof: Proof) -> bool:
    if not point.needed and not point.was_right:
        return point.latest not in (Mark.ERROR, None)
    return point.right >= proof.in_a_row
