"""manage.py poll: looks at everything at a constant rate."""

from __future__ import annotations

import signal
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from incidents.engine.poller import Poller, poll_once


class Command(BaseCommand):
    help = "Observe every backend and read every probe, round after round. Several may run; one of them looks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, at once, then end")

    def handle(self, *, once: bool, **options: object) -> None:
        if once:
            self.stdout.write(f"{poll_once()} diagnoses changed")
            return
        poller = Poller()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: poller.stop())
        poller.run()
