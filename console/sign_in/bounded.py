"""One bound round all that an outside system may do to us: names, connections, and answers that never end.

Nothing in Python bounds the resolving of a name, so the work is done in a thread that is left behind when its time is
over; and no more than two of them may hang, so that what waits for them is never what local sign-in needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from typing import TypeVar

from incidents.wire.deadline import Deadline

Value = TypeVar("Value")

AT_ONCE = 2


class Late(Exception):
    """It did not answer within its time, or others are waiting for it already."""


class Bulkhead:
    def __init__(self, places: int = AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(places)

    def within(self, deadline: Deadline, work: Callable[[], Value]) -> Value:
        """What the work gives or raises. Raises Late when it takes longer than what is left, or no place is free."""
        if not self._places.acquire(blocking=False):
            raise Late("others are waiting for it already")
        future: Future[Value] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # handed to whoever waits
                future.set_exception(error)
            finally:
                self._places.release()

        threading.Thread(target=run, daemon=True).start()
        try:
            return future.result(deadline.left())
        except (NotDone, TimeoutError):
            raise Late("it did not answer in time") from None
