"""Whoever reads the audit log is in it: which search, which entry, which copy; without filling it with repeats."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from incidents.audit import index
from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.audit_terms import term
from incidents.domain.canonical import JsonObject, digest
from incidents.models import AuditEntry, Person
from incidents.models.clock import database_now

# The same search, or the same entry, of one person is told once in so long, whatever page of it they turn to.
ONCE_IN = timedelta(hours=1)
KEY_LENGTH = 32


def record_search(person: Person, asked: JsonObject) -> None:
    """One `audit.searched` entry that names the search, unless this person has searched so within the hour."""
    _once(person, "audit.searched", {"search": asked})


def record_reading(person: Person, number: int) -> None:
    """One `audit.read` entry, unless this person has opened the same entry within the hour."""
    _once(person, "audit.read", {"entry": number})


def record_export(person: Person, asked: JsonObject, form: str) -> None:
    """An `audit.exported` entry, each time: what is taken away cannot be seen from here again."""
    with recorded():
        append(Entry("audit.exported", actor_of(person), data={"search": asked, "format": form}))


def _once(person: Person, event: str, data: JsonObject) -> None:
    key = digest({"person": str(person.pk), "event": event, "data": data})[:KEY_LENGTH]
    # Most repeats end here, without the lock that every writer of the log waits for.
    if _is_told(event, key):
        return
    with recorded():
        if not _is_told(event, key):
            append(Entry(event, actor_of(person), data={**data, "key": key}))


def _is_told(event: str, key: str) -> bool:
    terms = [[term("event", event)], [term("word", key)]]
    found = index.find(connection, terms, index.Reach(), 1, oldest_first=False)
    return AuditEntry.objects.filter(index__in=found, at__gt=database_now() - ONCE_IN).exists()
