"""manage.py doctor: what is wrong with an installation, in plain words, and how it is mended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error

from console.doctor import database, host, machine
from console.doctor.findings import Finding, Mark, exit_code
from console.printing import plain
from console.shell.user import shell_user
from incidents.audit.log import Actor
from incidents.services.fences import raise_fences

NEWEST_ENTRIES = 1000
WORDS = {0: "All is well.", 1: "It works, but look at what is marked WARN.", 2: "Something does not work: see BROKEN."}


class Command(BaseCommand):
    help = (
        "Say what is wrong with this installation and how to mend it. Changes nothing, unless --raise-fences is given. "
        "Exit code 0: all is well; 1: it works, with a warning; 2: something is broken."
    )
    # Told by ourselves, in our own form.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--backends", action="store_true", help="ask every backend, too")
        parser.add_argument(
            "--entries", type=int, default=NEWEST_ENTRIES, help="how many of the newest entries of the log are read"
        )
        parser.add_argument(
            "--raise-fences", action="store_true", help="set up again what was taken away in the database"
        )
        parser.add_argument("--json", action="store_true", help="for scripts: one JSON object")

    def handle(self, **given: Any) -> None:
        findings = list(_look(given))
        code = exit_code(findings)
        if given["json"]:
            told = {"ends": code, "findings": [finding.as_json() for finding in findings]}
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._print(findings)
            self.stdout.write(WORDS[code])
        if code:
            raise SystemExit(code)

    def _print(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.stdout.write(plain(f"{finding.mark:6}  {finding.part:12}  {finding.text}"))
            if finding.mend:
                self.stdout.write(plain(f"        {finding.mend}"))


def _look(given: dict[str, Any]) -> Iterator[Finding]:
    yield from host.look_at_settings()
    yield from host.look_at_files()
    yield host.look_at_broker()
    if (mail := host.look_at_mail()) is not None:
        yield mail
    try:
        yield from _look_inside(given)
    except Error as error:
        yield database.without_database(error)


def _look_inside(given: dict[str, Any]) -> Iterator[Finding]:
    """What only the database can tell; of one that is older than the program nothing more is asked."""
    found = list(database.look_at_database())
    yield from found
    if any(one.part == "migrations" and one.mark is Mark.BROKEN for one in found):
        return
    if given["raise_fences"]:
        by = shell_user()
        raise_fences(Actor("command", by, by))
    yield from database.look_at_records(max(1, given["entries"]))
    yield from machine.look_at_machine()
    yield from machine.look_at_inventory()
    yield from machine.look_at_pauses()
    if (programs := host.look_for_programs(machine.kinds())) is not None:
        yield programs
    if given["backends"]:
        yield from machine.look_at_backends()
