"""Reads the whole log again and says whether it is complete, in order and unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Subquery

from incidents.audit.log import read_frontier
from incidents.domain.canonical import decode, encode
from incidents.domain.merkle import Frontier, leaf_hash
from incidents.models import AuditEntry, AuditHead

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Args:
        size: entries that the head row speaks of.
        good: how many entries from the first on are unchanged and in order.
        root: RFC 6962 root of those, in hexadecimal.
        fault: what is wrong with the first bad one; empty when all is well.
    """

    size: int
    good: int
    root: str
    fault: str = ""


def verify() -> Verification:
    """Hashes every stored entry anew, from its bytes alone, and holds the tree against the head row.

    It proves that no entry was changed, dropped, added or moved by anybody who did not also rewrite the head row;
    it does not prove that everything was recorded in the first place.
    """
    head = AuditHead.objects.filter(id=1).first()
    if head is None:
        return Verification(0, 0, Frontier().root().hex(), "the head row is gone")
    tree = Frontier()
    for row in _entries(head.size):
        fault = _fault(row, tree.size)
        if fault:
            return Verification(head.size, tree.size, tree.root().hex(), f"entry {row.index}: {fault}")
        tree = tree.append((bytes(row.leaf),))
    if tree.size != head.size:
        fault = f"the log ends after {tree.size} entries, but the head row speaks of {head.size}"
        return Verification(head.size, tree.size, tree.root().hex(), fault)
    if (beyond := _beyond()) is not None:
        fault = f"entry {beyond}: it lies beyond the end that the head row knows"
        return Verification(head.size, tree.size, tree.root().hex(), fault)
    if tree != read_frontier(head):
        return Verification(head.size, tree.size, tree.root().hex(), "the entries do not give the head row's tree")
    return Verification(head.size, tree.size, tree.root().hex())


def _beyond() -> int | None:
    """The first entry beyond the end of the head row as it is now; the log may have grown while it was read."""
    size = AuditHead.objects.filter(id=1).values("size")
    found = AuditEntry.objects.filter(index__gte=Subquery(size)).order_by("index").values_list("index", flat=True)
    return found.first()


def _entries(size: int) -> Iterator[AuditEntry]:
    """The first `size` entries by their index, a batch a statement, so that a million cost no memory."""
    last = -1
    while batch := list(AuditEntry.objects.filter(index__gt=last, index__lt=size).order_by("index")[:BATCH]):
        yield from batch
        last = batch[-1].index


def _fault(row: AuditEntry, expected: int) -> str:
    """What is wrong with one row, held against its own bytes."""
    body = bytes(row.body)
    if row.index != expected:
        return f"entry {expected} is missing before it"
    if leaf_hash(body) != bytes(row.leaf):
        return "its bytes do not give its leaf hash"
    try:
        value = decode(body)
    except ValueError:
        return "it is no JSON"
    if not isinstance(value, dict) or encode(value) != body:
        return "it is not in canonical form"
    actor = value.get("actor")
    told = (value.get("index"), value.get("event"), value.get("organization"), value.get("run"), value.get("time"))
    columns = (row.index, row.event, row.organization, row.run, row.at.isoformat(timespec="microseconds"))
    name = actor.get("name") if isinstance(actor, dict) else None
    if told != columns or name != row.actor:
        return "its search columns say something else than its bytes"
    return ""


def newest_fault(count: int) -> str:
    """What is wrong with one of the newest entries, held against its own bytes; empty where nothing is.

    A look in passing, for whoever has not the time to `verify` the whole log: it says nothing about the tree.
    """
    head = AuditHead.objects.filter(id=1).first()
    if head is None:
        return "the head row is gone"
    first = max(0, head.size - count)
    rows = {row.index: row for row in AuditEntry.objects.filter(index__gte=first, index__lt=head.size)}
    for index in range(first, head.size):
        fault = _fault(rows[index], index) if index in rows else "it is missing"
        if fault:
            return f"entry {index}: {fault}"
    return ""
