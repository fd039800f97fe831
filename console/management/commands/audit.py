"""manage.py audit verify: reads the whole log again."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from incidents.audit.verify import verify


class Command(BaseCommand):
    help = "Say whether the audit log is complete, in order and unchanged. Exit code 1 when it is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["verify"])

    def handle(self, *, verb: str, **options: object) -> None:
        found = verify()
        if found.fault:
            self.stderr.write(f"✕ {found.fault}.")
            self.stderr.write(f"{found.good} of {found.size} entries, from the first on, are good. Delete nothing.")
            sys.exit(1)
        self.stdout.write(f"✓ {found.good} of {found.size} entries are unchanged and in order.")
        self.stdout.write(f"Root of the tree (RFC 6962): {found.root}")
        self.stdout.write("This does not prove that everything was recorded in the first place.")
