"""manage.py drive: carries runs on without Celery and without any broker."""

from __future__ import annotations

import signal

from django.core.management.base import BaseCommand

from incidents.engine.sweeper import Sweeper


class Command(BaseCommand):
    help = "Carry due runs on, as a worker does, with neither Celery nor a broker. Any number may run."

    def handle(self, **options: object) -> None:
        sweeper = Sweeper()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sweeper.stop())
        self.stdout.write("carrying runs on; Ctrl-C ends it")
        sweeper.start()
        sweeper.wait()
