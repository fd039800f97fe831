"""Waits until the world shows what was done to it."""

from __future__ import annotations

import time
from collections.abc import Callable

from incidents.lab.faults import LabFault

SECONDS = 10.0


def wait(until: Callable[[], bool], who: str) -> None:
    """Looks again and again until it is true.

    Args:
        until: asks whoever shows it.
        who: shows it, for the message.

    Raises LabFault when it does not come true in time.
    """
    end = time.monotonic() + SECONDS
    while not until():
        if time.monotonic() > end:
            raise LabFault(f"{who} does not show it; see the logs of the lab")
        time.sleep(0.01)
