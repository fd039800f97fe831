"""Git: what stands at paths of one branch, put back by one commit that undoes nothing else.

This is the GitOps answer to "revert the last deploy": a controller that reads the branch carries it out. The other
side may be any repository that git itself can reach. Tried with git 2.39 over http, ssh and in a local folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.adapters.base import check_batch
from incidents.adapters.git_batch import REFUSED, Errand, build, errands_of, state_of, weigh
from incidents.adapters.git_mirror import Head, Mirror
from incidents.adapters.git_remote import SETTINGS, Remote, read_remote
from incidents.adapters.git_repository import Pushed, Repository
from incidents.adapters.git_words import message, short
from incidents.domain.changes import STATUS, Cause, Change, Receipt, Reply, State
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Finding, Severity
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings

LONGEST_KEY = 200
# How often a commit is made anew because somebody else pushed between our look and our push.
TRIES = 5

_REPLIES = {
    Pushed.REFUSED: Reply.REFUSED,
    Pushed.NOT_SENT: Reply.NOT_SENT,
    Pushed.UNANSWERED: Reply.UNANSWERED,
}


class Git:
    """An `Adapter` whose keys are paths; a state is `{"tree": ID}`, the object at the path, or `""` for nothing there.

    Args:
        remote: the branch, and how to reach it.
        keys: the paths that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, the first fetch of all history included.
    """

    def __init__(self, *, remote: Remote, keys: frozenset[str], budget_seconds: float) -> None:
        self._name, self._remote, self._keys, self._budget = remote.name, remote, keys, budget_seconds
        self._mirror = Mirror(remote, budget_seconds)

    @classmethod
    def from_settings(
        cls,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed, or a key that is no path."""
        given = Settings.of(settings, SETTINGS)
        # Keys become arguments of commands, so nothing but what `normalize_key` lets through may ever get that far.
        if any(cls.normalize_key(key) != key for key in keys):
            raise InventoryFault("the keys of this backend are not in their one form")
        return cls(remote=read_remote(name, given, secret), keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
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

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        began, deadline = time.monotonic(), Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                head = self._head(repository, began)
                there = repository.entries(head, keys)
                trees = {key: there[key].object for key in keys if key in there}
                labels = self._mirror.labels(repository, head, trees)
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error
        return {key: _told(state_of(there.get(key)), labels.get(key, "")) for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused: a change that cannot be made, and a push that is not permitted.

        The commit is made in our copy alone. What hooks and rules of the other side say to a push is not known before.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        deadline = Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                head = self._fetch(repository)
                errands = weigh(errands_of(changes), repository, head)
                findings = [
                    Finding(
                        errand.code, Severity.BLOCKER, f"{errand.path} cannot be put back: {errand.why}.", errand.path
                    )
                    for errand in errands
                    if errand.reply is Reply.REFUSED
                ]
                return findings + self._pretend(errands, repository, head)
        except TimeoutError as error:
            raise BackendTimeout(f"{self._name} did not answer within {self._budget:g} s") from error

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """One commit for all that is to be changed, on top of the branch as it is.

        The server moves the branch only if it has not moved since; where it has, everything is compared anew.
        """
        check_batch([change.key for change in changes], self._keys, self._name)
        errands = errands_of(changes)
        if all(errand.reply for errand in errands):
            return _receipts(errands)
        deadline = Deadline(self._budget)
        try:
            with self._mirror.use(deadline) as repository:
                return self._apply(errands, cause, repository)
        except BackendRefused as error:
            return _receipts(errands, Reply.REFUSED, str(error))
        except AdapterError as error:
            return _receipts(errands, Reply.NOT_SENT, str(error))
        except TimeoutError:
            return _receipts(errands, Reply.NOT_SENT, f"no time was left to push to {self._name}")

    def close(self) -> None:
        self._mirror.close()

    def _apply(self, errands: Sequence[Errand], cause: Cause, repository: Repository) -> list[Receipt]:
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
            return [Finding(REFUSED, Severity.BLOCKER, text, self._name)]
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


def _told(state: State, label: str) -> State:
    return {**state, STATUS: {"label": label}} if label else state


def _commit(errands: Sequence[Errand], cause: Cause, repository: Repository, head: str) -> str:
    tree = build(errands, repository, head)
    mine = [errand for errand in errands if errand.reply is None]
    text = message([errand.path for errand in mine], [errand.tree for errand in mine], cause)
    return repository.commit(tree, head, text)


def _receipts(errands: Sequence[Errand], reply: Reply = Reply.REFUSED, detail: str = "") -> list[Receipt]:
    """One a change, in order; `reply` and `detail` for those that have none of their own."""
    return [errand.receipt(reply, detail) for errand in errands]
