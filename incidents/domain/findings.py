"""Results of preflight and of the guards: what was checked, and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from incidents.domain.canonical import JsonObject


class Severity(StrEnum):
    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of preflight.

    Args:
        code: stable and dotted, such as `guard.one-at-a-time`; the same on pages, in the audit and in scripts.
        severity: `blocker` keeps the run from starting; `passed` is shown as a check that was made.
        text: one sentence for the person, without jargon.
        subject: what it is about (a prefix, a location), when it is about one thing.
    """

    code: str
    severity: Severity
    text: str
    subject: str = ""

    def as_json(self) -> JsonObject:
        return {"code": self.code, "severity": str(self.severity), "text": self.text, "subject": self.subject}

    @staticmethod
    def from_json(value: JsonObject) -> Finding:
        return Finding(
            code=str(value["code"]),
            severity=Severity(str(value["severity"])),
            text=str(value["text"]),
            subject=str(value["subject"]),
        )


def blocker(code: str, text: str, subject: str = "") -> Finding:
    """What keeps a run from starting."""
    return Finding(code, Severity.BLOCKER, text, subject)


def passed(code: str, text: str, subject: str = "") -> Finding:
    """A check that was made, and has nothing against it."""
    return Finding(code, Severity.PASSED, text, subject)


def blockers(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.BLOCKER)
