"""Watches a run to its end, and carries it on here where that is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from console.shell.entering import Caller
from console.shell.telling import is_proven, run_as_json, tell_now, tell_run
from console.shell.voice import NO_DATABASE, Ends, Halt, Voice, no_database
from incidents.engine.sweeper import Sweeper
from incidents.models import Run
from incidents.models.clock import database_now
from incidents.selectors.run import RunPage, read_run
from incidents.selectors.waiting import waits_for_person
from incidents.services.undo import UNDO_FOR

APART_SECONDS = 0.5
# A worker sweeps every 2 s, and takes a run of one that died over after 15 s.
NOBODY_AFTER = timedelta(seconds=6)
# The database may be away for so long before we give up telling; the run does not mind.
PATIENCE_SECONDS = 60.0
GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Watching:
    """How somebody wants to watch.

    Args:
        drive: carry runs on in this process, as `manage.py drive` does.
        stay: watch on while the run asks a person.
        leave: do not watch at all.
    """

    drive: bool = False
    stay: bool = False
    leave: bool = False


def watch(caller: Caller, reference: str, how: Watching, voice: Voice, *, stopping: bool = False) -> Ends:
    """Tells how far the run is until it ends, asks a person, or is interrupted. Never changes anything itself.

    Args:
        stopping: whether to be stopped is what was asked for, so that a run that ended is what was wanted.
    """
    if how.leave:
        voice.say(f"It goes on without us. Watch it with: act watch {reference}")
        return voice.give(Ends.OPEN, run={"reference": reference})
    with _driving(how):
        try:
            page = _follow(caller, reference, how, voice)
        except KeyboardInterrupt:
            on = "as soon as a worker, or `act watch --drive`, carries it on" if how.drive else "without us"
            text = f"Not watched any more. {reference} goes on {on}: act watch {reference}, or act stop {reference}"
            raise Halt(Ends.INTERRUPTED, text, "shell.interrupted") from None
    voice.say(*tell_run(page))
    if page.is_live:
        voice.say(
            "It asks a person, and goes on by itself if the proof arrives.",
            f"Go on without proof: act confirm {reference}. No further: act stop {reference}.",
        )
    return voice.give(_ends(page, stopping=stopping), run=run_as_json(page))


def _ends(page: RunPage, *, stopping: bool) -> Ends:
    if page.is_live or page.because == "run.outcome-unknown":
        return Ends.OPEN
    if is_proven(page) or stopping:
        return Ends.PROVEN
    return Ends.OPEN if page.outcome == "succeeded" else Ends.REFUSED


@contextmanager
def _driving(how: Watching) -> Iterator[None]:
    if not how.drive:
        yield
        return
    sweeper = Sweeper()
    sweeper.start()
    try:
        yield
    finally:
        sweeper.stop()


@dataclass(slots=True)
class _Seen:
    """What was told so far."""

    version: int = -1
    line: str = ""
    nobody: bool = False
    away_since: float = 0.0


def _follow(caller: Caller, reference: str, how: Watching, voice: Voice) -> RunPage:
    seen = _Seen()
    while True:
        try:
            page = _look(caller, reference, how, seen, voice)
            seen.away_since = 0.0
        except NO_DATABASE as error:
            page = None
            _wait_for_database(error, reference, seen, voice)
        if page is not None:
            return page
        time.sleep(APART_SECONDS)


def _look(caller: Caller, reference: str, how: Watching, seen: _Seen, voice: Voice) -> RunPage | None:
    """Tells what is new; gives the page once there is nothing more to wait for."""
    run = caller.enter_run(reference).row
    if run.version != seen.version:
        page = read_run(run, UNDO_FOR, timezone.now())
        seen.version = run.version
        if not page.is_live or (not how.stay and waits_for_person(run)):
            return page
        if (line := tell_now(page)) != seen.line:
            seen.line = line
            voice.say(f"{(timezone.now() - page.accepted_at).total_seconds():6.1f} s  {line}")
    if not how.drive:
        _notice_nobody(run, seen, voice)
    return None


def _notice_nobody(run: Run, seen: _Seen, voice: Voice) -> None:
    """Says so where a run is due and no worker takes it up. Raises Halt once its time is over, too."""
    now = database_now()
    idle = now - max(run.wake_at, run.lease_until) > NOBODY_AFTER
    if idle and not seen.nobody:
        voice.aside(
            f"! No worker has taken {run.reference} up for {NOBODY_AFTER.seconds} s. It is not lost. Start a worker, "
            f"or end this with Ctrl-C and carry it on here: act watch {run.reference} --drive"
        )
    seen.nobody = idle
    if idle and now > run.deadline_at + GRACE:
        text = f"No worker carries {run.reference} on, and its time is over. See manage.py doctor."
        raise Halt(Ends.OPEN, text, "shell.nobody-drives")


def _wait_for_database(error: Exception, reference: str, seen: _Seen, voice: Voice) -> None:
    now = time.monotonic()
    told = f"{no_database(error)} {reference} was accepted, and is not lost."  # type: ignore[arg-type]  # one of NO_DATABASE
    if not seen.away_since:
        seen.away_since = now
        voice.aside(f"! {told}")
    if now - seen.away_since > PATIENCE_SECONDS:
        raise Halt(Ends.NO_DATABASE, told, "shell.no-database") from error
    connection.close()
