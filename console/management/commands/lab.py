"""manage.py lab up|status|break|heal: the small world for demo, drills and tests."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from incidents.lab.faults import LabFault
from incidents.lab.lab import DIRECTORY, Lab
from incidents.lab.scenarios import SCENARIOS
from incidents.lab.serve import serve
from incidents.lab.status import report


class Command(BaseCommand):
    help = "A small world on loopback: real daemons where they are installed, simulated ones otherwise."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django declares it so; the lab needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        up = verbs.add_parser("up", help="bring the lab up and keep it until Ctrl-C")
        up.add_argument("--simulated", action="store_true", help="no real daemons, even where they are installed")
        up.add_argument("--prefixes", type=int, default=0, help="this many more prefixes for example-shop")
        up.add_argument("--port", type=int, default=0, help="port of the world's control socket (default: a free one)")
        up.add_argument("--scenario", action="append", default=[], help=f"damage to do: {', '.join(SCENARIOS)}")
        verbs.add_parser("status", help="what is up, where, and what is broken")
        damage = verbs.add_parser("break", help="do the damage of a scenario")
        damage.add_argument("scenario", help=", ".join(SCENARIOS))
        verbs.add_parser("heal", help="restore everything")
        directory = Path(os.environ["VAR_DIR"]) / "lab" if "VAR_DIR" in os.environ else DIRECTORY
        for verb in verbs.choices.values():
            verb.add_argument("--dir", type=Path, default=directory, help="where the lab lives (default: %(default)s)")

    def handle(self, *, verb: str, dir: Path, **options: object) -> None:
        try:
            self._do(verb, dir, options)
        except LabFault as fault:
            raise CommandError(str(fault)) from None

    def _do(self, verb: str, directory: Path, options: dict[str, object]) -> None:
        lab = Lab(directory)
        if verb == "up":
            self._up(directory, options)
        elif verb == "status":
            self._say("\n".join(report(lab.status())))
        elif verb == "break":
            self._say(f"done: {lab.break_(str(options['scenario']))}")
        else:
            lab.heal()
            self._say("everything is as it should be")

    def _up(self, directory: Path, options: dict[str, object]) -> None:
        prefixes, port, scenarios = options["prefixes"], options["port"], options["scenario"]
        if not isinstance(prefixes, int) or not isinstance(port, int) or not isinstance(scenarios, list):
            raise CommandError("--prefixes and --port are numbers")
        lab = Lab(directory, prefixes=prefixes, simulated=options["simulated"] is True, port=port)
        serve(lab, scenarios, self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
