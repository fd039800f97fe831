"""manage.py notices: whether a channel works."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from console.shell.user import shell_user
from incidents.audit.log import Actor
from incidents.domain.errors import InventoryFault, Refused
from incidents.services.notice_test import Tried, try_channel


class Command(BaseCommand):
    help = "Send a test by a channel of the inventory, and say what happened. Exit code 1: not everybody took it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        test = verbs.add_parser("test", help="send one notice to each receiver of a channel, once")
        test.add_argument("channel", help="its name in the inventory")

    def handle(self, *, channel: str, **options: object) -> None:
        by = shell_user()
        try:
            tried = try_channel(channel, Actor("command", by, by))
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        except InventoryFault as fault:
            raise CommandError(f"{channel}: {fault.path or 'settings'} {fault.message}. Nothing was sent.") from fault
        for one in tried:
            self.stdout.write(_told(one))
        if not all(one.result.went for one in tried):
            raise CommandError("Not everybody took it. Real notices are tried again; this test is not.")


def _told(tried: Tried) -> str:
    result = tried.result
    answer = f", answer {result.status}" if result.status else ""
    detail = f": {result.detail}" if result.detail else ""
    return f"{'✓ taken' if result.went else '✕ not taken'} by {tried.to}{answer}{detail} ({tried.took_ms} ms)"
