"""Keeps a lab up in the foreground."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence

from incidents.lab.lab import Lab
from incidents.lab.scenarios import scenario_of
from incidents.lab.status import parts_in_lines

SECONDS_BETWEEN_LOOKS = 1.0

Say = Callable[[str], None]


def serve(lab: Lab, scenarios: Sequence[str], say: Say) -> None:
    """Brings the lab up, does the damage asked for, and ends everything on SIGTERM or SIGINT.

    A program that ends by itself is told of and not started again: somebody may be testing just that.

    Raises: LabFault, after which nothing is left running.
    """
    for name in scenarios:
        scenario_of(name)
    asked_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_end.set())
    with lab:
        say(f"the lab is up in {lab.directory}")
        for line in parts_in_lines(lab.facts()["parts"]):
            say(line)
        for name in scenarios:
            say(f"done: {lab.break_(name)}")
        told: set[str] = set()
        while not asked_to_end.wait(SECONDS_BETWEEN_LOOKS):
            for name in sorted(set(lab.ended()) - told):
                say(f"{name} has ended by itself")
                told.add(name)
    say("the lab has ended")
