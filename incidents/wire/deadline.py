"""One clock for a whole call: what is left of its budget, whatever it has been spent on."""

from __future__ import annotations

import time


class Deadline:
    """Counts down from a budget in seconds. Monotonic, so that a corrected wall clock changes nothing."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: nothing is left. Callers never see 0, which many calls take for "no limit".
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the budget of this call is spent")
        return seconds
