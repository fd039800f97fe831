"""Finds runs that are due or orphaned and carries them on. Every worker sweeps; no scheduler is needed."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from celery import bootsteps
from django.db import close_old_connections

if TYPE_CHECKING:
    from incidents.engine.delivering import Postmen

logger = logging.getLogger(__name__)

# DESIGN section 5: a run starts within 3 s without any broker.
EVERY = 2.0
# Runs that one process carries on at a time, beside those that its Celery tasks do.
THREADS = 16
# Runs taken up by one sweep; more wait for the next one or for another worker.
MOST = 64


class Sweeper:
    """A thread that sweeps until it is stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sweep_for_ever, name="sweeper", daemon=True)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="advance")
        self._under_way: dict[uuid.UUID, Future[None]] = {}
        self._handing_back: Future[None] | None = None
        self._postmen: Postmen | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Sweeps no more; runs that are being carried on finish their pass, or are taken over by another worker."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Until it is stopped."""
        self._stopped.wait()

    def _sweep_for_ever(self) -> None:
        nap = 0.0
        while not self._stopped.wait(nap):
            try:
                nap = self.sweep()
            except Exception:  # a database that is away comes back; a sweeper that died would not
                logger.exception("the sweep failed; the next one is in %s s", EVERY)
                nap = EVERY
            finally:
                close_old_connections()

    def sweep(self) -> float:
        """Starts what is due, and says after how many seconds to look again."""
        # Celery wants the step before Django knows its models.
        from incidents.engine.delivering import Postmen
        from incidents.engine.due import advance_and_close, due_runs, seconds_to_next
        from incidents.engine.handing_back import hand_back_due
        from incidents.engine.heartbeat import beat

        self._hand_back(hand_back_due)
        self._postmen = self._postmen or Postmen()
        self._postmen.begin()
        self._under_way = {run_id: future for run_id, future in self._under_way.items() if not future.done()}
        for run_id in due_runs(MOST):
            if run_id not in self._under_way:
                self._under_way[run_id] = self._pool.submit(advance_and_close, run_id)
        beat()
        return min(EVERY, seconds_to_next(except_for=self._under_way))

    def _hand_back(self, begin: Callable[[], None]) -> None:
        """In a thread of its own: it asks backends, and a run that is due must not wait for one that hangs."""
        if self._handing_back is None or self._handing_back.done():
            self._handing_back = self._pool.submit(_and_close, begin)


def _and_close(begin: Callable[[], None]) -> None:
    try:
        begin()
    except Exception:  # a database that is away: nobody waits for this thread, and the next sweep tries again
        logger.exception("what is due to be handed back could not be found")
    finally:
        close_old_connections()


class SweepStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery is untyped
    """Starts the sweeper with each Celery worker, before it has reached any broker."""

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._sweeper = Sweeper()

    def start(self, parent: Any) -> None:
        self._sweeper.start()

    def stop(self, parent: Any) -> None:
        self._sweeper.stop()
