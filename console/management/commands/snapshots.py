"""`manage.py snapshots`: the states that were proven good, as they are kept."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from console.printing import at, columns, in_words, plain
from console.words import many
from incidents.audit.snapshot_fence import fence_stands
from incidents.domain.known_good import digest_now
from incidents.engine.history import Was
from incidents.models.clock import database_now
from incidents.selectors import snapshots
from incidents.selectors.chosen import Chosen
from incidents.selectors.snapshots import Kept

DAMAGED, WRONG = 1, 2
SHOWN_DIGEST = 12
# Places of one digest: the same state at every location of every prefix is common.
SHOWN_PLACES = 20
# So many lines of a list are held at a time, to be set in columns.
PAGE = 500
LIST_HEAD: tuple[str, ...] = (
    "id",
    "digest",
    "organization",
    "resource",
    "location",
    "aspect",
    "proven from",
    "until (UTC)",
    "",
)
MOMENT_HEAD = ("organization", "resource", "location", "aspect", "was", "since (UTC)", "")


class Command(BaseCommand):
    help = (
        "Lists, shows, compares, exports and verifies the states that were proven good, and says what was running "
        "where at a moment. Exit code 1: something is damaged; 2: the question was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="a line each, the newest of each place first")
        show = verbs.add_parser("show", help="one with its papers")
        show.add_argument("name", help="its id, or the first 8 or more digits of its digest")
        comparing = verbs.add_parser("compare", help="what differs between two")
        comparing.add_argument("one")
        comparing.add_argument("other")
        exporting = verbs.add_parser("export", help="all as JSON Lines")
        verbs.add_parser("verify", help="takes every digest anew")
        moment = verbs.add_parser("at", help="what was running where at a moment")
        moment.add_argument("moment", help="such as 2026-02-20T17:56Z; without a zone it is UTC")
        for verb in (listing, exporting, moment):
            verb.add_argument("--organization", default="", help="only this one, by its name in the inventory")
        for verb in (listing, moment):
            verb.add_argument("--location", default="", help="only this one")
        listing.add_argument("--resource", default="", help="only this one, by its name")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            self._do(verb, options)
        except BrokenPipeError:  # `list | head`: nobody reads on, and Python would say so once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(WRONG)

    def _do(self, verb: str, options: Mapping[str, Any]) -> None:
        if verb == "show":
            self._show(options["name"])
        elif verb == "compare":
            self._compare(options["one"], options["other"])
        elif verb == "verify":
            self._verify()
        else:
            names = {name: options.get(name, "") for name in ("organization", "resource", "location")}
            chosen = Chosen(**names)
            if fault := chosen.fault():
                raise _wrong(fault)
            if verb == "list":
                self._list(chosen)
            elif verb == "export":
                self._export(chosen)
            else:
                self._at(chosen, options["moment"])

    def _list(self, chosen: Chosen) -> None:
        count, page = 0, [LIST_HEAD]
        for one in snapshots.read_snapshots(chosen):
            count += 1
            page.append(_line(one))
            if len(page) == PAGE:
                self._lines(columns(page))
                page = []
        if page and count:
            self._lines(columns(page))
        self.stdout.write(f"{many(count, 'known-good state')}." if count else "Nothing was proven good there yet.")

    def _show(self, name: str) -> None:
        found = self._find(name)
        first = found[0]
        self.stdout.write(f"digest   {first.digest}")
        for one in found[:SHOWN_PLACES]:
            place = f"{one.organization} {one.resource} {one.location} {one.aspect}"
            now = ", the known-good state there now" if one.current else ""
            proof = ", ".join(map(str, one.proof)) if isinstance(one.proof, list) else str(one.proof)
            self.stdout.write(plain(f"{one.id}: {place}{now}"))
            self.stdout.write(f"    proven from {at(one.proven_at)} until {at(one.proven_until)} UTC")
            self.stdout.write(plain(f"    green through {one.location}: {proof}"))
        if len(found) > SHOWN_PLACES:
            self.stdout.write(f"and {len(found) - SHOWN_PLACES:,} more with the same digest")
        self._lines(map(plain, snapshots.lines_of(first.state)))
        damaged = [one for one in found if one.damaged]
        for one in damaged:
            has = digest_now(one.state) or "none"
            self.stderr.write(f"✕ {one.id} is damaged: its digest is {one.digest}, that of what is stored is {has}.")
        if damaged:
            sys.exit(DAMAGED)

    def _compare(self, one: str, other: str) -> None:
        first, second = self._find(one)[0], self._find(other)[0]
        for kept in (first, second):
            if kept.damaged:
                self.stderr.write(f"✕ {kept.id} is damaged, and never used. This is what is stored.")
        lines = snapshots.compare(first, second)
        self._lines(map(plain, lines or ["They are the same."]))
        if first.damaged or second.damaged:
            sys.exit(DAMAGED)

    def _export(self, chosen: Chosen) -> None:
        count = damaged = 0
        for one in snapshots.read_snapshots(chosen):
            # Every sign above ASCII escaped: one line stays one line, whatever a name holds.
            self.stdout.write(json.dumps(one.as_json(), sort_keys=True, separators=(",", ":")))
            count, damaged = count + 1, damaged + one.damaged
        self.stderr.write(f"{many(count, 'known-good state')}.")
        if damaged:
            self.stderr.write(f"✕ Damaged: {damaged:,} of them. See manage.py snapshots verify")
            sys.exit(DAMAGED)

    def _verify(self) -> None:
        count = damaged = current = 0
        for one in snapshots.read_snapshots(Chosen()):
            count += 1
            if one.damaged:
                damaged += 1
                current += one.current
                now = "the newest there; it is not used" if one.current else "an older one"
                place = f"{one.organization} {one.resource} {one.location} {one.aspect}"
                self.stderr.write(plain(f"✕ {one.id} {place}, proven {at(one.proven_at)} UTC: damaged ({now})."))
        if not fence_stands(connection):
            self.stderr.write("✕ The fence in the database is down: nothing keeps these states from being changed.")
        if damaged:
            self.stderr.write(
                f"Damaged: {damaged:,} of {count:,}, {current:,} the newest of a place. None is put back."
            )
        if damaged or not fence_stands(connection):
            sys.exit(DAMAGED)
        self.stdout.write(f"✓ {count:,} known-good states are as their digests say, and the fence stands.")

    def _at(self, chosen: Chosen, text: str) -> None:
        moment = self._moment(text)
        found = snapshots.read_moment(chosen, moment)
        if not found:
            self.stdout.write("There is nothing to look at there.")
            return
        rows = [
            (
                one.organization,
                one.resource,
                one.location,
                one.aspect,
                in_words(one.aspect, one.was.state) if one.was.state is not None else "not known",
                at(one.was.since) if one.was.since else "",
                _doubt(one.was),
            )
            for one in found
        ]
        self._lines(columns([MOMENT_HEAD, *rows]))

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
            naive = moment.tzinfo is None
            moment = moment.replace(tzinfo=UTC) if naive else moment.astimezone(UTC)
        except (OverflowError, ValueError):
            raise _wrong(f"{plain(text)[:60]} is no moment. Write one such as 2026-02-20T17:56Z.") from None
        now = database_now()
        if moment > now:
            raise _wrong(f"{at(moment)} UTC has not come yet; it is {at(now)} UTC.")
        self.stderr.write(f"At {at(moment)} UTC{', for no zone was given' if naive else ''}.")
        if (now - moment).days >= settings.OBSERVATION_KEEP_DAYS:
            self.stderr.write(f"What was seen is kept for {settings.OBSERVATION_KEEP_DAYS} days; this is longer ago.")
        return moment

    def _find(self, name: str) -> Sequence[Kept]:
        """All that have this id or digest; the first of them is undamaged where any is."""
        found = snapshots.find_snapshots(name)
        if not found:
            hint = "Give its id, or the first 8 or more digits of its digest, as list prints them."
            raise _wrong(f"There is no known-good state {plain(name)[:70]}. {hint}")
        if len({one.digest for one in found}) > 1:
            raise _wrong(f"{name} is the beginning of several digests. Give more of it.")
        return sorted(found, key=lambda one: one.damaged)

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def _line(one: Kept) -> tuple[str, ...]:
    mark = "damaged" if one.damaged else "now" if one.current else ""
    place = (one.organization, one.resource, one.location, one.aspect)
    return (str(one.id), one.digest[:SHOWN_DIGEST], *place, at(one.proven_at), at(one.proven_until), mark)


def _doubt(was: Was) -> str:
    """What keeps this from being certain; empty where nothing does."""
    if was.elsewhere:
        return "it was at another backend or key then"
    if was.state is None:
        return "nothing was seen of it by then" + (f"; its backend: {was.detail}" if was.detail else "")
    if was.answered is None:
        nearest = f"the nearest look is of {at(was.looked_at)}" if was.looked_at else "no look is kept"
        return f"whether it was still so is not known: {nearest}"
    return "" if was.answered else f"seen last then; its backend did not answer ({was.detail or 'no reason kept'})"


def _wrong(text: str) -> CommandError:
    return CommandError(text, returncode=WRONG)
