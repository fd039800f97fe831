"""manage.py audit verify, reindex: reads the whole log again."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from console.shell.user import shell_user
from incidents.audit.log import Actor
from incidents.services.audit_checks import check, reindex


class Command(BaseCommand):
    help = (
        "verify: say whether the audit log is complete, in order and unchanged; exit code 1 when it is not. "
        "reindex: make the search index of the page /audit anew."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["verify", "reindex"])

    def handle(self, *, verb: str, **options: object) -> None:
        if verb == "reindex":
            self.stdout.write(f"✓ {reindex()} entries can be found.")
            return
        by = shell_user()
        found = check(Actor("command", by, by))
        if found.fault:
            self.stderr.write(f"✕ {found.fault}.")
            self.stderr.write(f"{found.good} of {found.size} entries, from the first on, are good. Delete nothing.")
            sys.exit(1)
        self.stdout.write(f"✓ {found.good} of {found.size} entries are unchanged and in order.")
        self.stdout.write(f"Root of the tree (RFC 6962): {found.root}")
        self.stdout.write("This does not prove that everything was recorded in the first place.")
