"""The parts of a lab, and which of them can be real on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from incidents.lab.faults import LabFault


@dataclass(frozen=True, slots=True)
class Part:
    """Whether a part is played by real programs, and why, or why not."""

    real: bool
    why: str

    @staticmethod
    def of(*programs: str, simulated: bool, hindrance: str = "") -> Part:
        """
        Args:
            programs: those that it takes.
            simulated: asked for by the person who starts the lab.
            hindrance: what else speaks against it.
        """
        missing = [name for name in programs if find(name) is None]
        if simulated:
            return Part(False, "asked for")
        if missing:
            return Part(False, f"{' and '.join(missing)} not installed")
        if hindrance:
            return Part(False, hindrance)
        return Part(True, f"{' and '.join(programs)} {'is' if len(programs) == 1 else 'are'} installed")


def find(name: str) -> str | None:
    """Where a program is. Debian puts daemons where a normal user's PATH does not lead."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def installed(name: str) -> str:
    """Where a program is. Raises LabFault."""
    program = find(name)
    if program is None:
        raise LabFault(f"{name} is not installed")
    return program


def in_words(real: dict[str, bool]) -> str:
    """Which parts are real, such as `real routers and repository, simulated balancer`."""
    by_word: dict[str, list[str]] = {}
    for name, is_real in real.items():
        by_word.setdefault("real" if is_real else "simulated", []).append(name)
    return ", ".join(f"{word} {listed(names)}" for word, names in by_word.items())


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
