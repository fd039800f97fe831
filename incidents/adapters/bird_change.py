"""One change of a BIRD router, from the first look to `configure confirm`.

If we fall silent after `configure timeout`, the router goes back by itself. So that nobody takes what may still go back
for settled, a mark is left beside the file before anything is done, and taken away when the end is known.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from incidents.adapters.bird_batch import Batch, Stopped
from incidents.adapters.bird_file import Held, NotOurs
from incidents.adapters.bird_router import all_routes, view_of
from incidents.adapters.bird_routes import Protocol, content_of, file_text
from incidents.adapters.bird_talk import (
    CHECKED,
    CONFIRMED,
    IN_PROGRESS,
    NOTHING_TO_DO,
    QUEUED,
    RECONFIGURED,
    Talk,
)
from incidents.domain.changes import Reply, State
from incidents.domain.errors import AdapterError
from incidents.wire.deadline import Deadline

SECONDS_BETWEEN_LOOKS = 0.02
SECONDS_TO_BEGIN = 3
# BIRD has the routes as soon as it says "Reconfigured"; this is for one that is busy with more.
LONGEST_LOOK_SECONDS = 1.0
TAKEN = frozenset({RECONFIGURED, IN_PROGRESS, QUEUED})


class Reconfiguration:
    """One change, while the lock of the file is held and a conversation is open.

    Args:
        talk: with the router; `deadline` is its deadline.
        held: the file.
        protocols: ours.
        seconds: after which the router goes back, unless it is told that all is well.
    """

    def __init__(self, talk: Talk, held: Held, protocols: Sequence[Protocol], seconds: int, deadline: Deadline) -> None:
        self._talk, self._held, self._protocols = talk, held, protocols
        self._seconds, self._deadline = seconds, deadline
        self._before: str | None = None  # what goes back into the file
        self._mark = b""
        self._closed: frozenset[str] = frozenset()  # protocols that were switched off

    def carry_out(self, batch: Batch) -> None:
        """Makes every change of the batch so; silent when it is.

        Raises:
            Stopped: after something was sent, or when the router said no: what came of it.
            NotOurs, BackendRefused: refused without effect.
            OSError: the connection was lost, or the time was up, before anything was configured.
        """
        self._before, self._mark = self._held.read(), self._held.mark()
        view = view_of(self._talk, self._protocols)
        if view.problem:
            raise Stopped(Reply.REFUSED, view.problem)
        self._closed = view.closed
        running = all_routes(self._talk, view.present)
        if self._mark:
            # Somebody ended in the middle: the router is what counts, and whatever it runs may still go back. So it is
            # configured anew, and confirmed, even where there is nothing else to change.
            self._before = _text(self._protocols, running)
        else:
            check_agreement(self._held, self._before, self._protocols, running, batch.keys)
        wanted = batch.wanted(running)
        if wanted != running or self._mark:
            self._write(wanted)
            self._configure(wanted, running)
            self._confirm(wanted)

    def _write(self, wanted: Mapping[str, State]) -> None:
        """Puts the new file in its place, and lets BIRD check its whole configuration with it."""
        text = _text(self._protocols, wanted)
        self._set_mark()
        try:
            self._held.write(text)
            answer = self._talk.ask("configure check")
            if answer.code != CHECKED:
                raise Stopped(Reply.REFUSED, f"the router refused: {answer.words}")
            self._set_mark()
        except (OSError, NotOurs, Stopped):
            self._put_back(settled=True)
            raise

    def _configure(self, wanted: Mapping[str, State], running: Mapping[str, State]) -> None:
        try:
            answer = self._talk.ask(f"configure soft timeout {self._seconds}")
            if answer.code not in TAKEN:
                self._put_back(settled=True)
                raise Stopped(Reply.REFUSED, f"the router refused: {answer.words}")
            if not self._stands(wanted):
                self._undo(wanted, running)
        except (OSError, AdapterError) as error:
            # Where it took the configuration it goes back by itself, and then agrees with the file again.
            self._put_back(settled=False)
            raise Stopped(Reply.UNANSWERED, "no answer came after the router was told to change") from error

    def _stands(self, wanted: Mapping[str, State]) -> bool:
        """Whether the running router has exactly these routes; asked after each configuration."""
        self._close_again()
        end = time.monotonic() + min(LONGEST_LOOK_SECONDS, self._deadline.left() / 2, self._seconds / 2)
        while self._routes() != wanted:
            busy = any("in progress" in line for line in self._talk.ask("show status").lines)
            if time.monotonic() > end and not busy:
                return False
            time.sleep(min(SECONDS_BETWEEN_LOOKS, self._deadline.left()))
            self._close_again()
        return True

    def _close_again(self) -> None:
        """Every configuration switches on what somebody had switched off by hand, such as a session for its repair."""
        for name in sorted(self._closed - view_of(self._talk, self._protocols).closed):
            self._talk.ask(f"disable {name}")

    def _undo(self, wanted: Mapping[str, State], running: Mapping[str, State]) -> None:
        present = view_of(self._talk, self._protocols).present
        self._put_back(settled=False)
        answer = self._talk.ask("configure undo")
        if answer.code not in TAKEN or not self._stands(running):
            raise Stopped(
                Reply.UNANSWERED, "the router did not do as it was told, and it is not certain that it is back"
            )
        self._put_back(settled=True)
        if wanted and not present:
            raise Stopped(
                Reply.REFUSED, f"put back: the router's configuration does not include {self._held.path.name}"
            )
        raise Stopped(
            Reply.REFUSED, "put back: the router took the configuration, but does not have these routes by it"
        )

    def _confirm(self, wanted: Mapping[str, State]) -> None:
        try:
            answer = self._talk.ask("configure confirm")
            # There is nothing to confirm when it went back already, or when somebody else has configured it since.
            done = answer.code == CONFIRMED or (answer.code == NOTHING_TO_DO and self._routes() == wanted)
        except (OSError, AdapterError) as error:
            raise Stopped(Reply.UNANSWERED, "no answer came when the router was told to keep the change") from error
        if not done:
            self._put_back(settled=False)
            raise Stopped(Reply.UNANSWERED, "the router went back by itself before it was told to keep the change")
        with contextlib.suppress(NotOurs):
            self._held.set_mark(b"")

    def _routes(self) -> dict[str, State]:
        return all_routes(self._talk, view_of(self._talk, self._protocols).present)

    def _set_mark(self) -> None:
        """Until when the router may go back, if it is told to change now and nothing more."""
        self._held.set_mark(str(int(time.time()) + self._seconds + SECONDS_TO_BEGIN).encode())

    def _put_back(self, *, settled: bool) -> None:
        """The file as it was. The mark stays where the router may still go back, or where the file could not be."""
        with contextlib.suppress(NotOurs):
            self._held.write(self._before)
            if settled:
                self._held.set_mark(self._mark)


def check_agreement(
    held: Held,
    text: str | None,
    protocols: Sequence[Protocol],
    running: Mapping[str, State],
    keys: AbstractSet[str],
) -> None:
    """Raises NotOurs when the file and the running router differ in more than these keys.

    Nobody knows then which of them is right, and writing the one over the other would lose a route. A file that says
    nothing yet agrees with a router that has none of our routes.
    """
    kept = {prefix: state for prefix, state in running.items() if prefix not in keys}
    if content_of(text or ""):
        others = content_of(text or "", keys) ^ content_of(_text(protocols, kept))
    else:
        others = {f"route {prefix}" for prefix in kept}
    if others:
        first = min(others).partition(" unreachable")[0][:60]
        raise NotOurs(f"{held.path.name} and the running router do not agree ({first}); nothing was written")


def _text(protocols: Sequence[Protocol], routes: Mapping[str, State]) -> str:
    try:
        return file_text(protocols, routes)
    except ValueError as error:
        raise NotOurs(f"the router holds a route of ours that could not be written again: {error}") from error
