"""Who is on call: turns and shifts of a rota, and the age at which an answer says nothing any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.domain.canonical import JsonObject

# An answer older than this is no answer: a shift may have changed since.
STALE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Shift:
    """From `since` until just before `until` this person is on call, whoever else's turn it would be."""

    person: str
    since: datetime
    until: datetime

    def as_json(self) -> JsonObject:
        return {"person": self.person, "since": self.since.isoformat(), "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True)
class Turns:
    """People who take turns, each for so many hours, the first one from `since` on."""

    people: tuple[str, ...]
    since: datetime
    hours: int

    def as_json(self) -> JsonObject:
        return {"people": list(self.people), "since": self.since.isoformat(), "hours": self.hours}

    def whose(self, now: datetime) -> str:
        """Whose turn it is; empty before the first."""
        if now < self.since:
            return ""
        return self.people[(now - self.since) // timedelta(hours=self.hours) % len(self.people)]


def on_rota(turns: Turns | None, shifts: Sequence[Shift], person: str, now: datetime) -> bool:
    """Whether the person is on call now: by a shift, or by their turn where no shift replaces it."""
    named = [shift.person for shift in shifts if shift.since <= now < shift.until]
    if named:
        return person in named
    return turns is not None and turns.whose(now) == person


def on_answer(answer: Collection[str] | None, answered_at: datetime | None, person: str, now: datetime) -> bool | None:
    """Whether the person is among those whom an on-call system named; None when that was never, or too long ago."""
    if answer is None or answered_at is None or now - answered_at > STALE:
        return None
    return person in answer


def read_turns(value: JsonObject) -> Turns | None:
    """The turns behind JSON that `as_json` wrote; None for an empty object."""
    if not value:
        return None
    people, hours = value["people"], value["hours"]
    if not isinstance(people, list) or not isinstance(hours, int):
        raise TypeError("these are no turns")
    return Turns(tuple(str(name) for name in people), datetime.fromisoformat(str(value["since"])), hours)


def read_shift(value: JsonObject) -> Shift:
    """The shift behind JSON that `as_json` wrote."""
    return Shift(
        str(value["person"]),
        datetime.fromisoformat(str(value["since"])),
        datetime.fromisoformat(str(value["until"])),
    )
