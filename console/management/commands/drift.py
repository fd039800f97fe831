"""`manage.py drift`: every location beside what should be there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.printing import both, columns, in_words
from console.words import many
from incidents.domain.canonical import JsonObject
from incidents.domain.drift import Verdict, differences
from incidents.models.clock import database_now
from incidents.selectors.chosen import Chosen
from incidents.selectors.drift import Drift, Line, look_for_drift, read_drift

DRIFTED, NOT_KNOWN = 1, 2
HEAD = ("organization", "resource", "location", "aspect", "now", "should be")


class Command(BaseCommand):
    help = (
        "Compares every location with its known-good state. Exit code 0: nothing has drifted, and all was seen; "
        "1: something has drifted; 2: nothing is seen to have drifted, but not all was seen, there is nothing to "
        "compare, or the question was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="", help="only this one, by its name in the inventory")
        parser.add_argument("--location", default="", help="only this one")
        parser.add_argument("--stored", action="store_true", help="by what the poller saw last, without looking now")
        parser.add_argument("--json", action="store_true", help="for scripts: one JSON object, with whole states")

    def handle(self, *args: Any, organization: str, location: str, stored: bool, **options: Any) -> None:
        chosen = Chosen(organization=organization, location=location)
        if fault := chosen.fault():
            raise CommandError(fault, returncode=NOT_KNOWN)
        now = database_now()
        drift = read_drift(chosen, now) if stored else look_for_drift(chosen)
        if options["json"]:
            looked = {"at": now.isoformat(), "looked": "stored" if stored else "now"}
            self.stdout.write(json.dumps({**looked, **_as_json(drift)}, ensure_ascii=False, indent=2))
        else:
            self._print(drift)
        if code := _code(drift):
            raise SystemExit(code)

    def _print(self, drift: Drift) -> None:
        if drift.others:
            for line in columns([HEAD, *(_cells(one) for one in drift.others)]):
                self.stdout.write(line)
            self.stdout.write("")
        for line in _summary(drift):
            self.stdout.write(line)


def _code(drift: Drift) -> int:
    """1 before 2: what certainly has drifted is worth more than what nobody knows."""
    if drift.counts[Verdict.DRIFTED]:
        return DRIFTED
    return NOT_KNOWN if drift.counts[Verdict.UNSEEN] or not drift.lines else 0


def _cells(line: Line) -> tuple[str, ...]:
    names = (line.organization, line.name, line.location, line.aspect)
    if line.now is not None and line.good is not None:
        now, good = both(line.aspect, line.now, line.good, list(differences(line.now, line.good)))
        away = " (on purpose, for a while)" if line.verdict is Verdict.AWAY else ""
        return (*names, now + away, good + _note(line))
    now = in_words(line.aspect, line.now) if line.now is not None else f"not seen: {line.silence}"
    good = in_words(line.aspect, line.good) if line.good is not None else "never proven"
    return (*names, now, good + _note(line))


def _note(line: Line) -> str:
    if not line.damaged:
        return ""
    return " (an older one; the newest is damaged)" if line.good is not None else " (what was kept is damaged)"


def _summary(drift: Drift) -> Sequence[str]:
    if not drift.lines:
        return ["There is nothing to compare."]
    count = drift.counts
    told = [f"{count[Verdict.AS_GOOD]:,} of {len(drift.lines):,} are as they should be"]
    told += [
        f"{count[verdict]:,} {words}"
        for verdict, words in (
            (Verdict.DRIFTED, "drifted"),
            (Verdict.UNSEEN, "not seen"),
            (Verdict.AWAY, "changed for a while, on purpose"),
            (Verdict.UNPROVEN, "never proven, so there is nothing to compare with"),
        )
        if count[verdict]
    ]
    lines = [f"{'; '.join(told)}."]
    if damaged := sum(line.damaged for line in drift.lines):
        lines.append(f"Damaged, and not used: {many(damaged, 'known-good state')}. See manage.py snapshots verify")
    return lines


def _as_json(drift: Drift) -> JsonObject:
    return {
        "compared": len(drift.lines),
        **{str(verdict).replace(" ", "_"): count for verdict, count in drift.counts.items()},
        "lines": [_line_as_json(line) for line in drift.others],
    }


def _line_as_json(line: Line) -> JsonObject:
    return {
        "organization": line.organization,
        "resource": line.name,
        "kind": line.kind,
        "location": line.location,
        "aspect": line.aspect,
        "verdict": str(line.verdict).replace(" ", "_"),
        "now": line.now,
        "silence": line.silence,
        "should_be": line.good,
        "proven_until": line.proven_until.isoformat() if line.proven_until else None,
        "damaged": line.damaged,
    }
