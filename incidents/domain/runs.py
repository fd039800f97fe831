"""The words for how far a run and its targets have come."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    ACCEPTED = "accepted"  # durable, not begun
    RUNNING = "running"
    PAUSED = "paused"  # asks a person; goes on by itself when the proof arrives
    ENDED = "ended"


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"  # proven from outside
    FAILED = "failed"  # the world said no
    ERRORED = "errored"  # our code broke
    STOPPED = "stopped"  # a person, or a guard, said no further
    EXPIRED = "expired"  # its time was over


class Step(StrEnum):
    """How far one target has come."""

    WAITING = "waiting"
    ATTEMPTED = "attempted"  # intent committed; what came of it is not known yet
    IN_PLACE = "in_place"  # observed as planned
    VERIFIED = "verified"  # and proven from outside
    FAILED = "failed"
    SKIPPED = "skipped"  # its location does not answer and the preapproval tolerates that
    LEFT = "left"  # never touched, for the run ended before


class Seen(StrEnum):
    """What the newest look at a target found, held against its change."""

    BEFORE = "before"
    AFTER = "after"
    UNSETTLED = "unsettled"  # as planned, and its backend is still carrying it out
    STUCK = "stuck"  # as planned, and its backend has given up carrying it out
    OTHER = "other"  # neither: the world has moved
    UNREADABLE = "unreadable"  # the backend did not tell
