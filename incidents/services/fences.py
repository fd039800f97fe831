"""Sets up again what keeps the database from changing the audit log and known-good states."""

from __future__ import annotations

from django.db import connection

from incidents.audit import fence, snapshot_fence
from incidents.audit.log import Actor, Entry, append, recorded


def raise_fences(by: Actor) -> None:
    """Both fences stand afterwards; who did it, and which were down, is in the audit log. Harmless when they stand."""
    with recorded():
        down = [
            name
            for name, stands in (
                ("audit", fence.fence_stands(connection)),
                ("snapshots", snapshot_fence.fence_stands(connection)),
            )
            if not stands
        ]
        if not down:
            return
        fence.raise_fence(connection)
        snapshot_fence.raise_fence(connection)
        append(Entry("audit.fence-raised", by, data={"down": list(down)}))
