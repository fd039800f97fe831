"""manage.py restore-to: puts back everything of an organization, or of one location, that is not as it was."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.forms import UNREADABLE_MOMENT, read_moment
from console.printing import plain
from console.words import sentence
from incidents.actions.base import Wish
from incidents.domain.errors import HandrailError
from incidents.domain.runs import Outcome, Phase
from incidents.engine.advance import advance
from incidents.models import Organization, Person, Run
from incidents.selectors.chosen import Chosen
from incidents.selectors.preview import Preview, read_preview
from incidents.selectors.remedies import everything
from incidents.services.approvals import ask
from incidents.services.propose import propose
from incidents.services.start import Consent, start

ACTION = "restore_to"
APART_SECONDS = 0.5
NOTHING = "guard.nothing-to-do"


class Command(BaseCommand):
    help = (
        "Put back everything of an organization, or of one location, that is not as it was proven to work, in a safe "
        "order. Shows what would change; with --yes it starts, and stays until it has ended. The same preapproval, "
        "guards and audit log as on the pages. Exit code 0: done, or nothing to do; 1: refused, or not proven; 3: "
        "a second person has to agree first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, help="its short name, such as example-shop")
        parser.add_argument("--as", dest="person", required=True, help="sign-in name of who does it, and may")
        parser.add_argument("--location", default="", help="only this one, by its short name; everywhere when left out")
        parser.add_argument(
            "--at", default="", help="to what had been proven by this moment, in UTC; to the newest else"
        )
        parser.add_argument("--reason", default="", help="why; kept in the audit log")
        parser.add_argument("--yes", action="store_true", help="start it; without this nothing changes")

    def handle(self, **given: Any) -> None:
        try:
            self._handle(given)
        except HandrailError as refused:
            raise CommandError(str(refused)) from refused

    def _handle(self, given: dict[str, Any]) -> None:
        organization = _the(Organization, "organization", slug=given["organization"])
        person = _the(Person, "person", username=given["person"], is_active=True)
        if fault := Chosen(location=given["location"]).fault():
            raise CommandError(f"{fault} Nothing was changed.")
        wish = Wish(location=given["location"], moment=_moment(given["at"]))
        plan = propose(person, organization, ACTION, everything(person, organization, ACTION), wish)
        page = read_preview(plan)
        self._show(page)
        if [finding.code for finding in page.blockers] == [NOTHING]:
            return
        if page.blockers:
            raise CommandError("This cannot be started now. Nothing was changed.")
        if not given["yes"]:
            self.stdout.write("Nothing has changed yet. Add --yes to start it.")
            return
        if not given["reason"].strip():
            raise CommandError("Write with --reason why. Nothing was changed.")
        word = {"word": page.word} if page.word else {}
        said = Consent(plan.digest, str(uuid.uuid4()), given["reason"], understood=True, **word)
        if page.second_person:
            row = ask(person, organization, said)
            self.stdout.write(f"A second person has to agree: /approvals/{row.pk}. It begins as soon as they do.")
            raise SystemExit(3)
        self._watch(start(person, organization, said))

    def _show(self, page: Preview) -> None:
        for item in page.items:
            for route in item.routes:
                self.stdout.write(plain(f"{item.name}  {route.location}: {route.now} -> {route.after}"))
        for finding in (*page.checks, *page.blockers):
            self.stdout.write(plain(f"{finding.severity:8} {finding.text} [{finding.code}]"))

    def _watch(self, run: Run) -> None:
        """Carries it on in this process, for there may be no worker; where one has it, waits for that."""
        self.stdout.write(f"Started: {run.reference}")
        began, told = time.monotonic(), ""
        while run.phase != Phase.ENDED:
            advance(run.pk)
            run.refresh_from_db()
            now = f"step {run.stage + 1}: {sentence(run.because) if run.because else run.phase}"
            if run.phase == Phase.PAUSED:
                now = f"{now} It asks a person, on /runs/{run.reference}, and goes on by itself if the proof arrives."
            if now != told and run.phase != Phase.ENDED:
                self.stdout.write(f"{time.monotonic() - began:6.1f} s  {now}")
                told = now
            time.sleep(0 if run.phase == Phase.ENDED else APART_SECONDS)
        took = time.monotonic() - began
        if run.outcome != Outcome.SUCCEEDED:
            raise CommandError(
                f"{run.reference} ended as {run.outcome} after {took:.1f} s: {run.detail or run.because}"
            )
        self.stdout.write(f"{run.reference}: everything is as it was, and proven from outside, after {took:.1f} s.")


def _the(model: Any, what: str, **wanted: Any) -> Any:
    found = model.objects.filter(**wanted).first()
    if found is None:
        raise CommandError(f"There is no {what} {next(iter(wanted.values()))}. Nothing was changed.")
    return found


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = read_moment(text)
    if moment is None:
        raise CommandError(UNREADABLE_MOMENT)
    return moment
