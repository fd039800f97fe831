"""Reads how the installation is within a bounded time, whatever hangs, and at most once a second, whoever asks.

A frozen database answers nobody, and no time-out of its own is left; so it is asked by a thread that is left behind
when its time is over. While one hangs no other is begun.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from django.db import Error, connection

from console.sign_in.bounded import Bulkhead, Late
from incidents.models.clock import database_now
from incidents.selectors import health
from incidents.wire.deadline import Deadline

Value = TypeVar("Value")

DATABASE_SECONDS = 2.5
BROKER_SECONDS = 1.0
# Anybody may ask, and must not be able to keep the database busy with it.
KEPT_SECONDS = 1.0


class Lately(Generic[Value]):
    """The newest answer of one question. Whoever asks while it is being asked waits for that answer."""

    def __init__(self, ask: Callable[[], Value]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: tuple[float, Value] | None = None

    def read(self) -> Value:
        with self._lock:
            if self._answer is None or time.monotonic() - self._answer[0] > KEPT_SECONDS:
                value = self._ask()
                self._answer = (time.monotonic(), value)
            return self._answer[1]


class Asked(Generic[Value]):
    """A question to an outside system, answered within `seconds` or by None. One at a time hangs, no more."""

    def __init__(self, question: Callable[[], Value], seconds: float) -> None:
        self._question = question
        self._seconds = seconds
        self._bulkhead = Bulkhead(1)

    def within_its_time(self) -> Value | None:
        try:
            return self._bulkhead.within(Deadline(self._seconds), self._and_close)
        except (Error, Late):
            return None

    def _and_close(self) -> Value:
        try:
            return self._question()
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this process can do its work, and each part in a word or two. Without any name, address or secret."""

    ready: bool
    parts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is measured. Counts, and times as of now."""

    ages: health.Ages
    runs: dict[tuple[str, str], int]
    verified: list[tuple[str, timedelta]]
    audit_size: int
    incidents: int
    breakers: int
    fences: health.Fences


def _database() -> tuple[health.Database, health.Ages | None]:
    """No ages of a database that is not as this code expects it: they could not be read."""
    database = health.read_database()
    return database, None if database.missing else health.read_ages(database_now())


def _figures() -> Figures:
    now = database_now()
    return Figures(
        ages=health.read_ages(now),
        runs=health.runs_ended(),
        verified=health.verified_lately(now),
        audit_size=health.audit_size(),
        incidents=health.open_incidents(),
        breakers=health.open_breakers(),
        fences=health.read_fences(),
    )


_ASK_DATABASE = Asked(_database, DATABASE_SECONDS)
_ASK_BROKER = Asked(health.broker_answers, BROKER_SECONDS)
_ASK_FIGURES = Asked(_figures, DATABASE_SECONDS)


def _readiness() -> Readiness:
    broker = "ok" if _ASK_BROKER.within_its_time() else "no answer; runs start by the sweep"
    found = _ASK_DATABASE.within_its_time()
    if found is None:
        return Readiness(False, {"database": "no answer", "broker": broker})
    database, ages = found
    missing = len(database.missing)
    parts = {
        "database": "ok" if database.writable else "cannot be written to",
        "migrations": f"{missing} missing" if missing else "ok",
        "broker": broker,
    }
    if ages is not None:
        parts["worker"] = _in_time(ages.sweep, health.SWEEP_LATE)
        parts["poller"] = _in_time(ages.poll, health.POLL_LATE)
    return Readiness(database.ready, parts)


def _in_time(age: timedelta | None, late: timedelta) -> str:
    if age is None:
        return "never seen"
    return "ok" if age <= late else f"last seen {age.total_seconds():.0f} s ago"


read_readiness = Lately(_readiness).read
read_figures = Lately(_ASK_FIGURES.within_its_time).read
