"""What people outside the console are told of: which kinds there are, how urgent each is, when it is tried again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.domain.canonical import JsonObject
from incidents.domain.diagnosis import Damage

# What a lock screen shows of a title. In characters.
SUBJECT = 60
# In characters; a notice is read on a phone.
LONGEST_TEXT = 2_000

# One address and nothing round it: no name, no comma, no line end (RFC 5321 section 4.1.2, without quoted parts).
MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
LONGEST_MAIL = 254


class Severity(StrEnum):
    """How much it asks of whoever reads it."""

    NOTE = "note"  # good to know
    WARNING = "warning"  # look at it today
    URGENT = "urgent"  # look at it now


class About(StrEnum):
    """What a notice is about; the words of `notify.kinds` in the inventory, and the types of webhooks."""

    DAMAGED = "resource-damaged"
    HEALTHY = "resource-healthy"
    STARTED = "run-started"
    SUCCEEDED = "run-succeeded"
    FAILED = "run-failed"
    ERRORED = "run-errored"
    STOPPED = "run-stopped"
    EXPIRED = "run-expired"
    WAITS = "run-waits"
    APPROVAL = "approval-asked"
    BREAK_GLASS = "break-glass"
    FREEZE = "freeze"
    BREAKER = "breaker"
    INCIDENT_OPENED = "incident-opened"
    INCIDENT_CLOSED = "incident-closed"


# Sent by `manage.py notices test` only, so no route names it.
TEST = "test"

# Of what a person or the engine does; of resources it depends on what they have, see `severity_of`.
SEVERITIES: dict[About, Severity] = {
    About.STARTED: Severity.NOTE,
    About.SUCCEEDED: Severity.NOTE,
    About.FAILED: Severity.URGENT,
    About.ERRORED: Severity.URGENT,
    About.STOPPED: Severity.WARNING,
    About.EXPIRED: Severity.WARNING,
    About.WAITS: Severity.URGENT,
    About.APPROVAL: Severity.URGENT,
    About.BREAK_GLASS: Severity.URGENT,
    About.FREEZE: Severity.WARNING,
    About.BREAKER: Severity.URGENT,
    About.INCIDENT_OPENED: Severity.WARNING,
    About.INCIDENT_CLOSED: Severity.NOTE,
}
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
# Nobody is cut off by it, or nobody can know whether.
_MILD = frozenset({Damage.DRIFTED, Damage.UNKNOWN, Damage.UNREACHABLE_ELSEWHERE})

# How long a state has to stand before it is told. What comes and goes sooner is told of in neither direction.
HOLD = timedelta(seconds=10)
# No data is mostly a probe that starts anew.
HOLD_UNKNOWN = timedelta(seconds=60)
# Between two notices of one route about resources: the first, and twice as long with each further one of the last hour.
FIRST_GAP, LONGEST_GAP, COUNTED = timedelta(seconds=30), timedelta(minutes=15), timedelta(hours=1)

# Waits between attempts at one delivery; after the last one it is given up. The schedule that Standard Webhooks
# proposes (section "Deliverability and reliability") is longer; what was broken yesterday helps nobody.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1_800, 2 * 3_600, 5 * 3_600, 10 * 3_600))
MOST_ATTEMPTS = len(WAITS) + 1
# Part of a wait that chance adds or takes away, so that a receiver that comes back is not met by everybody at once.
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Posting:
    """One notice as it leaves us.

    Args:
        id: the same for every attempt, so that a receiver can tell a repetition.
        kind: a word of `About`, or `TEST`.
        subject: at most `SUBJECT` characters, one line.
        text: what a mail says under it, lines with `\\n` between them.
        link: address of the page that tells the whole; empty where the console does not know its own address.
        data: for programs; no secrets.
    """

    id: str
    kind: str
    severity: Severity
    at: datetime
    subject: str
    text: str
    link: str = ""
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt.

    Args:
        went: whether the receiver has taken it.
        status: what it answered, such as `204` or `550`; empty where it did not.
        detail: for people, without secrets and without what the receiver wrote.
        final: whether trying again is of no use.
    """

    went: bool
    status: str = ""
    detail: str = ""
    final: bool = False


def at_least(severity: Severity, least: Severity) -> bool:
    return _RANK[severity] >= _RANK[least]


def severity_of(damage: Damage) -> Severity:
    """Of a damage state; that it is over is told to whoever was told of it."""
    if damage is Damage.HEALTHY:
        return Severity.NOTE
    return Severity.WARNING if damage in _MILD else Severity.URGENT


def hold(damage: Damage) -> timedelta:
    """How long it has to stand before it is told."""
    return HOLD_UNKNOWN if damage is Damage.UNKNOWN else HOLD


def gap_after(told: int) -> timedelta:
    """How long a route hears nothing new of its resources after so many notices within `COUNTED`."""
    if told < 1:
        return timedelta(0)
    return min(FIRST_GAP * (1 << min(told - 1, 10)), LONGEST_GAP)


def wait_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after so many attempts that failed; None when it is given up.

    Args:
        chance: from 0 to 1.
    """
    if attempts > len(WAITS):
        return None
    return WAITS[attempts - 1] * (1 - JITTER + 2 * JITTER * chance)


def one_line(text: str, longest: int = SUBJECT) -> str:
    """Text that no header, terminal or screen reads as anything but one line of letters, cut to its length."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def is_mail_address(text: str) -> bool:
    return len(text) <= LONGEST_MAIL and MAIL.fullmatch(text) is not None
