"""Keeps a lab up in the foreground, and tells people how it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence

from incidents.lab.lab import Lab
from incidents.lab.scenarios import scenario_of

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
        facts = lab.facts()
        say(f"the lab is up in {lab.directory}: {facts['kind']} ({facts['why']})")
        for name in scenarios:
            say(f"done: {lab.break_(name)}")
        told: set[str] = set()
        while not asked_to_end.wait(SECONDS_BETWEEN_LOOKS):
            for name in sorted(set(lab.ended()) - told):
                say(f"{name} has ended by itself")
                told.add(name)
    say("the lab has ended")


def report(lab: Lab) -> list[str]:
    """The status in lines for people."""
    status = lab.status()
    lines = [f"kind: {status['kind']} ({status['why']})", f"damage: {', '.join(status['scenarios']) or 'none'}"]
    down = [place for place, up in status["sessions"].items() if not up]
    lines.append(f"sessions of the collector: {'all up' if not down else 'down: ' + ', '.join(down)}")
    everywhere = list(status["sessions"])
    hurt = 0
    for prefix, places in status["visible"].items():
        bound = status["bound"].get(prefix, everywhere)
        if places != everywhere or bound != everywhere:
            hurt += 1
            lines.append(f"{prefix}: seen from {_names(places)}; bound at {_names(bound)}")
    lines.append(f"{len(status['visible']) - hurt} of {len(status['visible'])} prefixes are seen and bound everywhere")
    lines.extend(f"{backend} is set to {mode}" for backend, mode in status["modes"].items() if mode != "ok")
    return lines


def _names(places: Sequence[str]) -> str:
    return ", ".join(places) or "nowhere"
