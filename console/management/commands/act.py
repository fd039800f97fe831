"""manage.py act: the verbs of the pages for a shell on the host, when the pages are away."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from console.shell import verbs
from console.shell.consenting import Said
from console.shell.entering import Caller, find_person
from console.shell.user import shell_user
from console.shell.verbs import Wanted
from console.shell.voice import Ends, Voice, speak
from console.shell.watching import Watching, watch
from incidents.audit.log import coming_by

LOOKING = ("list", "preview", "watch")
# Never part of what is written down.
SECRET = "--code"


class Command(BaseCommand):
    help = (
        "See what is broken, and run what was approved beforehand, without the pages and without a broker. In the name "
        "of a person who may; the audit log keeps both their name and the user of this shell. Exit code 0: proven, or "
        "nothing to do; 1: refused, or it did not work; 2: the question was wrong; 3: not proven, or it waits for a "
        "person; 4: the database does not answer; 130: interrupted, and what was accepted goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        said = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = said.add_parser("list", help="what is broken, and what can be done about it")
        listing.add_argument("--organization", default="", metavar="SLUG", help="only this one")
        preview = said.add_parser("preview", help="what would change; changes nothing")
        running = said.add_parser("run", help="shows what would change, asks, starts it, and watches it to its end")
        undoing = said.add_parser("undo", help="puts back what a run changed, by a run of its own")
        watching = said.add_parser("watch", help="how far a run is, to its end")
        confirming = said.add_parser("confirm", help="goes on with a run that asks, without proof")
        stopping = said.add_parser("stop", help="no further with a run; what was sent is finished first")
        for one in (preview, running):
            _add_choice(one)
        for one in (undoing, watching, confirming, stopping):
            one.add_argument("run", metavar="RUN", help="its reference, such as RUN-7K3F-22")
        undoing.add_argument("--override", action="append", default=[], metavar="CODE", help="go on against this check")
        for one in (running, undoing, confirming):
            _add_consent(one)
        for one in (running, undoing, confirming, stopping, watching):
            _add_watching(one)
        for one in (listing, preview, running, undoing, watching, confirming, stopping):
            one.add_argument("--as", dest="person", required=True, metavar="PERSON", help="the name they sign in with")
            one.add_argument("--json", action="store_true", help="for scripts: one JSON object, and no questions")

    def handle(self, **given: Any) -> None:
        voice = Voice(self.stdout, self.stderr, given["json"], given.get("yes", False))
        self.stderr.style_func = None
        with coming_by(command="act", user=shell_user()):
            ends = speak(voice, lambda: _do(given, voice))
        if ends is not Ends.PROVEN:
            raise SystemExit(int(ends))


def _do(given: Mapping[str, Any], voice: Voice) -> Ends:
    verb = given["verb"]
    caller = Caller(find_person(given["person"]), _asked(given), acts=verb not in LOOKING)
    how = Watching(given.get("drive", False), given.get("stay", False), given.get("no_watch", False))
    if verb == "list":
        return verbs.list_broken(caller, given["organization"], voice)
    if verb == "watch":
        return watch(caller, caller.enter_run(given["run"]).row.reference, how, voice)
    if verb == "stop":
        return verbs.stop(caller, given["run"], how, voice)
    if verb == "preview":
        return verbs.preview(caller, _wanted(given), voice)
    said = _said(given)
    if verb == "run":
        return verbs.run(caller, _wanted(given), said, how, voice)
    if verb == "undo":
        return verbs.undo(caller, given["run"], given["override"], said, how, voice)
    return verbs.confirm(caller, given["run"], said, how, voice)


def _add_choice(parser: CommandParser) -> None:
    parser.add_argument("action", metavar="ACTION", help="such as readvertise_prefix")
    parser.add_argument("names", nargs="*", metavar="RESOURCE", help="by their names, as list shows them")
    parser.add_argument("--organization", default="", metavar="SLUG", help="whose; may be left out with names")
    parser.add_argument("--broken", action="store_true", help="all that is broken and that this can repair")
    parser.add_argument("--everything", action="store_true", help="with restore_to: all that was approved for it")
    parser.add_argument("--location", default="", metavar="SLUG", help="where, for actions that ask for it")
    parser.add_argument("--minutes", type=int, default=0, help="for how long, for actions that ask for it")
    parser.add_argument("--at", default="", metavar="MOMENT", help="with restore_to: back to this moment, in UTC")
    parser.add_argument("--override", action="append", default=[], metavar="CODE", help="go on against this check")


def _add_consent(parser: CommandParser) -> None:
    parser.add_argument("--digest", default="", help="of the preview that was made before")
    parser.add_argument("--yes", action="store_true", help="ask nothing; needs the digest of a preview")
    parser.add_argument("--reason", default="", help="why; kept in the audit log")
    parser.add_argument("--understood", action="store_true", help="says that the consequence is known, at tier 2")
    parser.add_argument("--word", default="", help="the word that the preview asks for, at tier 3")
    parser.add_argument("--alone", action="store_true", help="without a second person, where that is allowed")
    parser.add_argument(
        SECRET, default="", help="who you are, where it is serious: a code of your app, a recovery code; - reads a line"
    )


def _add_watching(parser: CommandParser) -> None:
    parser.add_argument("--drive", action="store_true", help="carry it on in this process, where no worker does")
    parser.add_argument("--stay", action="store_true", help="watch on while it asks a person")
    parser.add_argument("--no-watch", action="store_true", help="end as soon as it is accepted")


def _wanted(given: Mapping[str, Any]) -> Wanted:
    names = ("action", "names", "organization", "broken", "everything", "location", "minutes", "at", "override")
    return Wanted(**{name: given[name] for name in names})


def _said(given: Mapping[str, Any]) -> Said:
    code = sys.stdin.readline().strip() if given["code"] == "-" else given["code"]
    names = ("digest", "reason", "understood", "word", "alone")
    return Said(code=code, **{name: given[name] for name in names})


def _asked(given: Mapping[str, Any]) -> str:
    """What was typed, without reasons and codes."""
    about = [given["action"], *given["names"]] if "action" in given else [given.get("run") or given["organization"]]
    return shlex.join(["act", given["verb"], *(part for part in about if part)])
