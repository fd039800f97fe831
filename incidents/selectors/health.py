"""How the installation itself is: what can be asked of the database and the broker, and how old everything is.

Nothing here bounds how long a database takes that hangs: whoever asks in front of people bounds it from outside
(`console.health`). Whatever goes wrong with the database is raised as django.db.Error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from celery import current_app
from django.db import OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, OuterRef, Subquery

from incidents.audit import fence, snapshot_fence
from incidents.domain.runs import Outcome
from incidents.engine import heartbeat, poller
from incidents.models import AuditHead, Breaker, Duty, Incident, Look, Probe, Run
from incidents.selectors.machine import read_machine

# How long a SQLite database may be locked by somebody else before it counts as locked, in milliseconds.
LOCKED_AFTER = 300
# When a worker or a poller counts as gone: several of its own rounds, and whatever hangs in one.
SWEEP_LATE = timedelta(seconds=20)
POLL_LATE = poller.LEASE
# Of which runs it is told how long they took: the newest so many of this time.
LATELY = timedelta(hours=24)
MOST_RUNS = 2_000


@dataclass(frozen=True, slots=True)
class Database:
    """A database that answers.

    Args:
        writable: False for a standby, a database that was set to reading only, and one that somebody holds locked.
        missing: migrations of this code that it has not, such as `incidents.0007_damages`.
    """

    writable: bool
    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return self.writable and not self.missing


@dataclass(frozen=True, slots=True)
class Ages:
    """How long ago the machine did its parts; None: never.

    Args:
        queue: how long the run that is due and that nobody carries on has waited; zero when there is none.
        live: runs that have not ended.
        sweep: since any worker last swept, known to 5 s (`engine.heartbeat.EVERY`).
        poll: since a poller last began a round.
        measurement: since any probe last answered.
    """

    queue: timedelta
    live: int
    sweep: timedelta | None
    poll: timedelta | None
    measurement: timedelta | None


@dataclass(frozen=True, slots=True)
class Fences:
    """Whether the database itself refuses to change the audit log, and known-good states."""

    audit: bool
    snapshots: bool


def read_database() -> Database:
    """Whether the database can be written to and has every migration of this code. Three queries at most."""
    applied = MigrationRecorder(connection).applied_migrations()
    missing = tuple(f"{app}.{name}" for app, name in _newest() if (app, name) not in applied)
    return Database(_writable(), missing)


@cache
def _newest() -> tuple[tuple[str, str], ...]:
    """The last migration of each app, by the files of this code."""
    return tuple(sorted(MigrationLoader(None).graph.leaf_nodes()))


def _writable() -> bool:
    if connection.vendor == "sqlite":
        return _can_lock()
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        row: tuple[str] = cursor.fetchone()
    return row[0] == "off"


def _can_lock() -> bool:
    """On SQLite: whether the lock of writers can be had."""
    if connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {LOCKED_AFTER}")
    try:
        with transaction.atomic():
            return True
    except OperationalError:
        return False


def broker_answers() -> bool:
    """Whether the broker takes a connection now: one attempt, within the time-outs of the settings."""
    with current_app.connection_for_write() as asked:
        try:
            asked.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        except Exception:  # whatever the broker's client raises: it cannot be rung
            return False
    return True


def read_ages(now: datetime) -> Ages:
    """Three queries, each by an index.

    Args:
        now: by the database's clock.
    """
    machine = read_machine(now)
    until = dict(Duty.objects.filter(name__in=(heartbeat.DUTY, poller.DUTY)).values_list("name", "lease_until"))
    swept, held = until.get(heartbeat.DUTY), until.get(poller.DUTY)
    return Ages(
        queue=machine.waits,
        live=machine.live,
        sweep=_since(now, swept),
        poll=_since(now, held - poller.LEASE if held else None),
        measurement=_since(now, _measured_at()),
    )


def _measured_at() -> datetime | None:
    """When any probe last answered: the newest look through each, by the index, and the newest of those."""
    looks = Look.objects.filter(probe=OuterRef("pk"), answered=True).order_by("-at").values("at")[:1]
    found: Iterable[datetime | None] = Probe.objects.annotate(at=Subquery(looks)).values_list("at", flat=True)
    return max((at for at in found if at is not None), default=None)


def _since(now: datetime, at: datetime | None) -> timedelta | None:
    return None if at is None else max(timedelta(0), now - at)


def audit_size() -> int:
    """Entries of the audit log, by its head row."""
    return AuditHead.objects.values_list("size", flat=True).get(id=1)


def read_fences() -> Fences:
    """Two queries."""
    return Fences(fence.fence_stands(connection), snapshot_fence.fence_stands(connection))


def open_incidents() -> int:
    return Incident.objects.filter(closed_at=None).count()


def open_breakers() -> int:
    return Breaker.objects.filter(closed_at=None).count()


def runs_ended() -> dict[tuple[str, str], int]:
    """How many runs ever ended, by action and outcome. One query, answered by an index."""
    ended = Run.objects.filter(ended_at__isnull=False).order_by()
    rows = ended.values_list("action", "outcome").annotate(count=Count("*"))
    return {(action, outcome): count for action, outcome, count in rows}


def verified_lately(now: datetime) -> list[tuple[str, timedelta]]:
    """Action and time from accepted to proven of the runs that succeeded within `LATELY`. One query, by an index.

    Args:
        now: by the database's clock.
    """
    proven = Run.objects.filter(ended_at__gte=now - LATELY, outcome=Outcome.SUCCEEDED).order_by("-ended_at")
    rows = proven.values_list("action", "accepted_at", "ended_at")[:MOST_RUNS]
    return [(action, ended - accepted) for action, accepted, ended in rows if ended is not None]
