"""The database: whether it is there, is the right one, and keeps what it has to keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection

from console.doctor.findings import Finding, broken, ok, warn
from incidents.audit.verify import newest_fault
from incidents.models.clock import database_now
from incidents.selectors import health

# Codes of an app are good for 30 s before and after (RFC 6238 section 5.2), by the clock of the host.
CLOCK_OFF, CLOCK_WRONG = timedelta(seconds=2), timedelta(seconds=25)
MIGRATE = "python manage.py migrate"
LISTED = 4


def look_at_database() -> Iterator[Finding]:
    """Whether it can be used at all. Raises django.db.Error where it cannot even be asked."""
    found = health.read_database()
    kind = "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
    if found.missing:
        count = len(found.missing)
        names = ", ".join(found.missing[:LISTED]) + (" and more" if count > LISTED else "")
        yield broken("migrations", f"The database is older than the program: it lacks {names}.", MIGRATE)
    else:
        yield ok("migrations", "The database is as this program expects it.")
    if found.writable:
        yield ok("database", f"{kind} answers, and can be written to.")
    else:
        text = f"{kind} answers, but cannot be written to: nothing can be started, and nothing goes on."
        mend = (
            "End what holds it locked." if connection.vendor == "sqlite" else "Set DATABASE_URL to the primary server."
        )
        yield broken("database", text, mend)
    if connection.vendor == "sqlite" and settings.SECURE:
        text = "SQLite serves one host only: no second one takes over."
        yield warn("database", text, "Use PostgreSQL in production: docs/deployment.md.")


def look_at_records(entries: int) -> Iterator[Finding]:
    """The clock, the fences, and the newest entries of the audit log; only where every migration is applied."""
    yield _clock()
    yield from _fences()
    yield _audit(entries)


def without_database(error: Exception) -> Finding:
    """What it said in the place of an answer, in its first line; a password is never part of that."""
    first = (str(error).strip().splitlines() or ["it gave no reason"])[0].rstrip(".")
    mend = "Start it, or set DATABASE_URL to where it is."
    return broken("database", f"It does not answer: {first}. Everything else in it was not looked at.", mend)


def _clock() -> Finding:
    before = time.time()
    there = database_now().timestamp()
    return of_clocks(timedelta(seconds=there - (before + time.time()) / 2))


def of_clocks(off: timedelta) -> Finding:
    """What it means that the database's clock is so far ahead of this host's."""
    seconds = off.total_seconds()
    if abs(off) < CLOCK_OFF:
        return ok("clock", "This host and the database agree on the time.")
    text = f"The database's clock is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this host's"
    mend = "timedatectl set-ntp true"
    if abs(off) >= CLOCK_WRONG:
        return broken("clock", f"{text}: codes of authenticator apps are refused.", mend)
    return warn("clock", f"{text}.", mend)


def _fences() -> Iterator[Finding]:
    fences = health.read_fences()
    mend = "Find out who took it away, then: python manage.py doctor --raise-fences"
    down = [
        name
        for name, stands in (("the audit log", fences.audit), ("known-good states", fences.snapshots))
        if not stands
    ]
    for name in down:
        yield broken("fences", f"The fence round {name} is down: the database lets anybody change it.", mend)
    if not down:
        yield ok("fences", "The database refuses to change the audit log and known-good states.")


def _audit(entries: int) -> Finding:
    size = health.audit_size()
    fault = newest_fault(entries)
    if fault:
        text = f"The audit log is not as it was written: {fault}."
        return broken("audit", text, "Delete nothing. python manage.py audit verify")
    looked = f"The newest {min(entries, size):,} of {size:,} entries of the audit log are unchanged"
    return ok("audit", f"{looked}; `manage.py audit verify` reads all.")
