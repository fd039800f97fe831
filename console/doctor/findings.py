"""What one look at a part of the installation has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    OK = "OK"
    WARN = "WARN"  # it works, or works still
    BROKEN = "BROKEN"  # something that people rely on does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Args:
        part: what was looked at, in a word that scripts can go by.
        text: one sentence; `mend` what to do about it, a command where there is one; empty where all is well.
    """

    part: str
    mark: Mark
    text: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        return {"part": self.part, "mark": str(self.mark), "text": self.text, "mend": self.mend}


def ok(part: str, text: str) -> Finding:
    return Finding(part, Mark.OK, text)


def warn(part: str, text: str, mend: str) -> Finding:
    return Finding(part, Mark.WARN, text, mend)


def broken(part: str, text: str, mend: str) -> Finding:
    return Finding(part, Mark.BROKEN, text, mend)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 where all is well, 1 with a warning, 2 where something is broken."""
    return max((tuple(Mark).index(finding.mark) for finding in findings), default=0)
