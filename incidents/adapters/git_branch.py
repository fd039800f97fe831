"""One branch, as the kinds that change it share it: a look at it, and a batch brought onto it as one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from incidents.adapters.git_batch import REFUSED, Errand, build
from incidents.adapters.git_mirror import Head, Mirror
from incidents.adapters.git_remote import Remote
from incidents.adapters.git_repository import Pushed, Repository
from incidents.adapters.git_words import message, short
from incidents.domain.changes import Cause, Receipt, Reply
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding, blocker
from incidents.wire.deadline import Deadline

LONGEST_KEY = 200
# How often a commit is made anew because somebody else pushed between our look and our push.
TRIES = 5

# Compares errands with a commit, and gives each one either its reply or its target.
Weigh: TypeAlias = Callable[[Sequence[Errand], Repository, str], list[Errand]]

_REPLIES = {
    Pushed.REFUSED: Reply.REFUSED,
    Pushed.NOT_SENT: Reply.NOT_SENT,
    Pushed.UNANSWERED: Reply.UNANSWERED,
}


def path_of(key: str) -> str:
    """A path in the repository, never the whole of it; a slash at its end is left out.

    Raises InventoryFault for anything that git could take for something else, or could not hold.
    """
    path = key.removesuffix("/")
    parts = path.split("/")
    if (
        not path.isprintable()
        or path != path.strip()
        or len(path) > LONGEST_KEY
        or path.startswith(("-", ":"))
        or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    ):
        raise InventoryFault(f"{key[:LONGEST_KEY]!r} must be a path in the repository, such as apps/checkout")
    return path


def check_paths(keys: frozenset[str]) -> None:
    """Keys become arguments of commands, so nothing but what `path_of` lets through may ever get that far.

    Raises InventoryFault.
    """
    if any(path_of(key) != key for key in keys):
        raise InventoryFault("the keys of this backend are not in their one form")


class Branch:
    """What an adapter does with its branch, each call within one deadline.

    Args:
        remote: the branch.
        mirror: our copy of it.
        budget_seconds: the longest that one call may take, the first fetch of all history included.
    """

    def __init__(self, remote: Remote, mirror: Mirror, budget_seconds: float) -> None:
        self._name, self._remote, self._mirror, self._budget = remote.name, remote, mirror, budget_seconds

    @contextmanager
    def look(self) -> Iterator[tuple[Repository, str]]:
        """Our copy, for the caller alone, and the newest commit of the branch.

        Raises: BackendUnreachable, BackendTimeout, BackendRefused.
        """
        began, deadline = time.monotonic(), Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                yield repository, self._head(repository, began)
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error

    def rehearse(self, errands: Sequence[Errand], weigh: Weigh) -> list[Finding]:
        """What would be refused: a change that cannot be made, and a push that is not permitted.

        The commit is made in our copy alone. What hooks and rules of the other side say to a push is not known before.

        Raises: BackendUnreachable, BackendTimeout, BackendRefused.
        """
        deadline = Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                head = self._fetch(repository)
                weighed = weigh(errands, repository, head)
                findings = [
                    blocker(errand.code, f"{errand.path} cannot be put back: {errand.why}.", errand.path)
                    for errand in weighed
                    if errand.reply is Reply.REFUSED
                ]
                return findings + self._pretend(weighed, repository, head)
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error

    def apply(self, errands: Sequence[Errand], weigh: Weigh, cause: Cause) -> list[Receipt]:
        """One commit for all that is to be changed, on top of the branch as it is.

        The server moves the branch only if it has not moved since; where it has, everything is compared anew.
        """
        if all(errand.reply for errand in errands):
            return _receipts(errands)
        deadline = Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                return self._apply(errands, weigh, cause, repository)
        except BackendRefused as error:
            return _receipts(errands, Reply.REFUSED, str(error))
        except AdapterError as error:
            return _receipts(errands, Reply.NOT_SENT, str(error))
        except TimeoutError:
            return _receipts(errands, Reply.NOT_SENT, f"no time was left to push to {self._name}")

    def _apply(self, errands: Sequence[Errand], weigh: Weigh, cause: Cause, repository: Repository) -> list[Receipt]:
        """Raises, before anything had an effect: TimeoutError, BackendUnreachable, BackendRefused."""
        weighed: list[Errand] = []
        for _ in range(TRIES):
            head = self._fetch(repository)
            weighed = weigh(errands, repository, head)
            if all(errand.reply for errand in weighed):
                return _receipts(weighed)
            commit = _commit(weighed, cause, repository, head)
            self._mirror.head = None
            came, words = repository.push(commit, head)
            if came is Pushed.DONE:
                return _receipts(weighed, Reply.ACCEPTED, f"commit {short(commit)}")
            if came is not Pushed.RACED:
                return _receipts(weighed, _REPLIES[came], words)
        return _receipts(weighed, Reply.REFUSED, "others pushed to the branch each time before we could")

    def _pretend(self, errands: Sequence[Errand], repository: Repository, head: str) -> list[Finding]:
        if all(errand.reply for errand in errands):
            return []
        commit = _commit(errands, Cause("rehearsal"), repository, head)
        came, words = repository.push(commit, head, pretend=True)
        if came in (Pushed.NOT_SENT, Pushed.UNANSWERED):
            raise BackendUnreachable(f"whether a push is permitted is not known: {words}")
        if came is Pushed.REFUSED:
            text = f"Nothing can be pushed to {self._remote.branch}: {words.rstrip('.')}."
            return [blocker(REFUSED, text, self._name)]
        return []

    def _head(self, repository: Repository, since: float) -> str:
        """The newest commit as of a look that began at `since` (monotonic) or later.

        Those who wait for our copy at the same time share one look, for it began after all of them had asked.
        """
        seen = self._mirror.head
        return seen.commit if seen is not None and seen.began >= since else self._fetch(repository)

    def _fetch(self, repository: Repository) -> str:
        began = time.monotonic()
        head = repository.fetch()
        self._mirror.head = Head(head, began)
        return head


def _commit(errands: Sequence[Errand], cause: Cause, repository: Repository, head: str) -> str:
    tree = build(errands, repository, head)
    mine = [errand for errand in errands if errand.reply is None]
    text = message([errand.path for errand in mine], [errand.object for errand in mine], cause)
    return repository.commit(tree, head, text)


def _receipts(errands: Sequence[Errand], reply: Reply = Reply.REFUSED, detail: str = "") -> list[Receipt]:
    """One a change, in order; `reply` and `detail` for those that have none of their own."""
    return [errand.receipt(reply, detail) for errand in errands]
