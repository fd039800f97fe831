"""Rings the doorbell of a run: tells some worker to look at it, without ever making the caller wait.

A ring may be lost: every worker sweeps the database. So it is put into a small queue and published by one
background thread, behind a breaker that stays open for a while after a failure. A frozen broker blocks that
thread only.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid

from celery import current_app

logger = logging.getLogger(__name__)

# After a failed publish the broker is left alone for this long, in seconds; sweeps do the work meanwhile.
OPEN_FOR = 5.0
# What is above this is dropped: the sweep finds those runs by itself.
LONGEST_QUEUE = 1_000
TASK = "incidents.advance"

_rings: queue.Queue[uuid.UUID] = queue.Queue(maxsize=LONGEST_QUEUE)
_start = threading.Lock()
_ringer: threading.Thread | None = None


def wake(run_id: uuid.UUID) -> None:
    """Asks for the run to be advanced soon. Returns at once, never raises, promises nothing."""
    global _ringer
    with _start:
        # Made on first use, thus after a web server has forked.
        if _ringer is None or not _ringer.is_alive():
            _ringer = threading.Thread(target=_ring_for_ever, name="bell", daemon=True)
            _ringer.start()
    try:
        _rings.put_nowait(run_id)
    except queue.Full:
        logger.warning("too many rings are waiting; the sweep will find run %s", run_id)


def _ring_for_ever() -> None:
    closed_at = 0.0
    while True:
        run_id = _rings.get()
        if time.monotonic() < closed_at:
            continue
        try:
            current_app.send_task(TASK, args=[str(run_id)], ignore_result=True)
        except Exception as error:  # whatever the broker's client raises, the sweep does the work
            closed_at = time.monotonic() + OPEN_FOR
            logger.warning("the broker does not take a message (%s); runs start by the sweep", type(error).__name__)
