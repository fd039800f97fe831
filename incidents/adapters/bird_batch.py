"""A batch of changes to one BIRD router: what of it can be written, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incidents.adapters.bird_routes import ABSENT, statement
from incidents.domain.changes import Change, Receipt, Reply, State, same, settings_of


class Stopped(Exception):
    """The rest of a batch has come to its end: what is answered to it."""

    def __init__(self, reply: Reply, detail: str) -> None:
        super().__init__(detail)
        self.reply, self.detail = reply, detail


class Batch:
    """Changes in their order. What cannot be written exactly is refused at once, and spoils nothing for the others."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._refused: dict[int, Receipt] = {}
        for place, change in enumerate(changes):
            try:
                check(change)
            except ValueError as error:
                self._refuse(place, f"not sent: {error}")

    @property
    def keys(self) -> frozenset[str]:
        """Of all changes that are not refused."""
        return frozenset(change.key for _, change in self._open())

    def wanted(self, running: Mapping[str, State]) -> dict[str, State]:
        """All routes as they shall be, from those that there are; refuses what is neither before nor after."""
        wanted = dict(running)
        for place, change in self._open():
            now = running.get(change.key, ABSENT)
            if not same(now, change.before) and not same(now, change.after):
                self._refuse(place, f"{change.key} is neither as it was planned from nor as it shall be")
            elif same(change.after, ABSENT):
                wanted.pop(change.key, None)
            else:
                wanted[change.key] = settings_of(change.after)
        return wanted

    def receipts(self, reply: Reply, detail: str = "") -> list[Receipt]:
        """One a change, in order; `reply` for all that were not refused."""
        return [
            self._refused.get(place, Receipt(change.key, reply, detail)) for place, change in enumerate(self._changes)
        ]

    def _open(self) -> list[tuple[int, Change]]:
        return [(place, change) for place, change in enumerate(self._changes) if place not in self._refused]

    def _refuse(self, place: int, detail: str) -> None:
        self._refused[place] = Receipt(self._changes[place].key, Reply.REFUSED, detail)


def check(change: Change) -> None:
    """Raises ValueError, for people, when `after` could not be written exactly."""
    if not same(change.after, ABSENT):
        statement(change.key, settings_of(change.after))
