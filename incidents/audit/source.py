"""The log as the database has it, by its bytes alone: no column beside them, and no leaf hash, is believed."""

from __future__ import annotations

from incidents.audit.log import read_frontier
from incidents.models import AuditEntry, AuditHead


def read_head() -> tuple[int, bytes]:
    """How many entries the log says it has, and the root of the tree that it says it has."""
    tree = read_frontier(AuditHead.objects.get(id=1))
    return tree.size, tree.root()


def read_bodies(first: int, until: int) -> list[tuple[int, bytes]]:
    """Index and bytes of the entries from `first` up to, and without, `until`, as far as they are there; in order."""
    rows = AuditEntry.objects.filter(index__gte=first, index__lt=until).order_by("index").values_list("index", "body")
    return [(index, bytes(body)) for index, body in rows]
