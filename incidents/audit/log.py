"""Appends entries to the audit log, inside the transaction of the change that they tell of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from django.db import transaction

from incidents.audit import index as search
from incidents.domain.canonical import Json, JsonObject, encode
from incidents.domain.merkle import Frontier, leaf_hash
from incidents.models import AuditEntry, AuditHead, Person
from incidents.models.clock import database_now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# C2SP tlog-tiles gives an entry a 16-bit length; an entry that could not be exported is not written.
LARGEST_ENTRY = 65_535
NAMES_IN_ENTRY = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it.

    Args:
        kind: `person` by their account, `system` for our own processes, `command` for a shell on the host.
        id: stable; the account's id, or the name of the process.
        name: as it was at that time, so that the entry outlives the account.
    """

    kind: Literal["person", "system", "command"]
    id: str
    name: str


ENGINE = Actor("system", "engine", "engine")
_way: ContextVar[JsonObject] = ContextVar("way")


@contextmanager
def coming_by(**way: str) -> Iterator[None]:
    """What a person asks for inside came by this way and by no page: each entry of theirs names it in `actor.by`.

    Such as `coming_by(command="act", user="root")`: by that command, from the shell of that user of the system.
    """
    token = _way.set({**way})
    try:
        yield
    finally:
        _way.reset(token)


def actor_of(person: Person) -> Actor:
    """The actor of what a person does."""
    return Actor("person", str(person.pk), person.username)


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened.

    Args:
        event: dotted and stable, such as `run.accepted`; never reused for another meaning.
        actor: who.
        organization: slug; empty when it concerns none.
        run: id of the run; empty when it concerns none.
        data: the facts; no secrets, no floats.
    """

    event: str
    actor: Actor
    organization: str = ""
    run: str = ""
    data: JsonObject = field(default_factory=dict)


def in_batches(names: Sequence[str]) -> Iterator[list[str]]:
    """The names, as many at a time as one entry holds: a thousand prefixes must not make one that is too long."""
    for start in range(0, len(names), NAMES_IN_ENTRY):
        yield list(names[start : start + NAMES_IN_ENTRY])


@contextmanager
def recorded() -> Iterator[None]:
    """A transaction of its own that may append entries: it takes the head row before any other row.

    Every writer that appends begins so, in one order, so that two of them never wait for each other in a circle, and
    what one has counted (the guards' windows) stays true until it has written. On SQLite the transaction itself does.
    """
    with transaction.atomic(durable=True):
        if transaction.get_connection().features.has_select_for_update:
            AuditHead.objects.select_for_update().get(id=1)
        yield


def append(*entries: Entry) -> None:
    """Writes entries at the end of the log, with the indices that a locked head row gives.

    Call it inside the transaction that makes the change: both become durable, or neither.

    Raises:
        RuntimeError: outside a transaction.
        ValueError: an entry of more than 65,535 bytes.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit entry belongs into the transaction of the change that it tells of")
    if not entries:
        return
    head = AuditHead.objects.select_for_update().get(id=1)
    # The clock that every process shares; and should it be set back, the log still does not run backwards.
    now = max(database_now(), head.at or EPOCH)
    rows = [_row(entry, head.size + offset, now) for offset, entry in enumerate(entries)]
    tree = read_frontier(head).append(bytes(row.leaf) for row in rows)
    AuditEntry.objects.bulk_create(rows)
    search.note(transaction.get_connection(), [(row.index, bytes(row.body)) for row in rows])
    AuditHead.objects.filter(id=1).update(size=tree.size, peaks=b"".join(tree.peaks), at=now)


def read_frontier(head: AuditHead) -> Frontier:
    """The tree as the head row keeps it."""
    peaks = bytes(head.peaks)
    return Frontier(head.size, tuple(peaks[start : start + 32] for start in range(0, len(peaks), 32)))


def _row(entry: Entry, index: int, now: datetime) -> AuditEntry:
    body = encode(
        {
            "v": 1,
            "index": index,
            "time": now.isoformat(timespec="microseconds"),
            "event": entry.event,
            "actor": _told(entry.actor),
            "organization": entry.organization,
            "run": entry.run,
            "data": plain(entry.data),
        }
    )
    if len(body) > LARGEST_ENTRY:
        raise ValueError(f"{entry.event}: an entry of {len(body)} bytes; name things in batches")
    return AuditEntry(
        index=index,
        body=body,
        leaf=leaf_hash(body),
        at=now,
        event=entry.event,
        organization=entry.organization,
        actor=entry.actor.name,
        run=entry.run,
    )


def _told(actor: Actor) -> JsonObject:
    told: JsonObject = {"kind": actor.kind, "id": actor.id, "name": plain(actor.name)}
    way = _way.get({}) if actor.kind == "person" else {}
    return {**told, "by": plain(way)} if way else told


def plain(value: Json) -> Json:
    """The same value with control and direction characters shown as escapes.

    A reason that a person typed must not split a log line, fool a terminal, or reorder what a reviewer reads.
    """
    if isinstance(value, str):
        return "".join(_escaped(letter) for letter in value) if not value.isprintable() else value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _escaped(letter: str) -> str:
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"\\u{ord(letter):04x}"
    return letter
