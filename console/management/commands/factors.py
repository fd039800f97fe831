"""manage.py factors: for somebody who has lost every way to show who they are, and for new keys."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from console.shell.user import shell_user
from incidents.audit.log import Actor
from incidents.models import Person
from incidents.services import factors


class Command(BaseCommand):
    help = "Reset the second factors of a person, or encrypt all of them anew with the first of FACTOR_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        reset = verbs.add_parser("reset", help="take every factor from a person, who adds new ones at the next sign-in")
        reset.add_argument("name", help="the name that they sign in with")
        reset.add_argument(
            "--reason", required=True, help="why, and how you know that it is them; kept in the audit log"
        )
        verbs.add_parser("reseal", help="encrypt every secret anew, before an old key is taken out of FACTOR_KEYS")

    def handle(self, *, verb: str, name: str = "", reason: str = "", **options: object) -> None:
        by = shell_user()
        actor = Actor("command", by, by)
        if verb == "reseal":
            done, unreadable = factors.reseal(actor)
            self.stdout.write(f"✓ {done} secrets are encrypted with the first key.")
            if unreadable:
                raise CommandError(f"{unreadable} more could not be read with any key; they were left as they are.")
            return
        if not reason.strip():
            raise CommandError("Write the reason. It is kept in the audit log.")
        person = Person.objects.filter(username=name).first()
        if person is None:
            raise CommandError(f"There is no person {name}. Nothing was changed.")
        count = factors.reset(person, actor, reason)
        self.stdout.write(f"✓ {name} had {count} factors and has none. Their next sign-in asks for a new one.")
