"""Reading the whole log again, and keeping what was found where a reviewer sees it."""

from __future__ import annotations

import time

from django.db import connection
from django.utils import timezone

from incidents.audit import index
from incidents.audit.log import Actor, Entry, append, recorded
from incidents.audit.verify import Verification, verify
from incidents.models import AuditCheck

LONGEST_FAULT = 300


def check(actor: Actor) -> Verification:
    """Reads all of the log, however long that takes, and keeps what it found.

    A log that is as it should be gets an entry that says so. One that is not stays exactly as it was found.
    """
    began = time.monotonic()
    found = verify()
    row = AuditCheck(
        # Not the database's clock, which is asked by way of the head row; that may be gone.
        at=timezone.now(),
        by=actor.name,
        took_ms=round((time.monotonic() - began) * 1000),
        size=found.size,
        good=found.good,
        root=found.root,
        fault=found.fault[:LONGEST_FAULT],
    )
    if found.fault:
        row.save()
        return found
    with recorded():
        row.save()
        append(Entry("audit.verified", actor, data={"size": found.size, "good": found.good, "root": found.root}))
    return found


def reindex() -> int:
    """Makes the search index anew from the entries; gives how many. Until it is done, nobody else can write to the log.

    Nothing depends on the index but the search: neither a proof nor an action.
    """
    with recorded():
        index.empty(connection)
        return index.fill(connection)
