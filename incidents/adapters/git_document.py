"""Git: one file of a branch as a whole document, such as a policy or a set of public keys, put back by its text.

The kind `git` knows what stands at a path by its id and finds it in the history of the branch; this one carries the
text itself, so it puts it back also after the history was written anew. Tried with git 2.39.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.adapters.base import check_batch
from incidents.adapters.git_branch import Branch, check_paths, path_of
from incidents.adapters.git_documents import Documents, Holds, labelled_by
from incidents.adapters.git_mirror import Mirror
from incidents.adapters.git_remote import SETTINGS, Remote, read_remote
from incidents.domain.changes import Cause, Change, Receipt, State, is_unreadable
from incidents.domain.findings import Finding
from incidents.wire.settings import Settings


class GitDocument:
    """An `Adapter` whose keys are paths of files; a state is `{"document": TEXT}`, or null where there is no file.

    A file that is no document here is `unreadable`: what it holds is told to nobody, and it is never written over.

    Args:
        remote: the branch, and how to reach it.
        holds: what the files are.
        keys: the paths that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, the first fetch of all history included.
    """

    def __init__(self, *, remote: Remote, holds: Holds, keys: frozenset[str], budget_seconds: float) -> None:
        self._name, self._keys = remote.name, keys
        self._documents = Documents(holds)
        self._mirror = Mirror(remote, budget_seconds)
        self._branch = Branch(remote, self._mirror, budget_seconds)

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
        given = Settings.of(settings, SETTINGS | {"holds"})
        check_paths(keys)
        holds = Holds(given.choice("holds", tuple(Holds), default=Holds.TEXT))
        return cls(remote=read_remote(name, given, secret), holds=holds, keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """A path in the repository; see `path_of`. Raises InventoryFault."""
        return path_of(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        with self._branch.look() as (repository, head):
            there = repository.entries(head, keys)
            states = self._documents.read(repository, there, keys)
            if self._documents.holds is Holds.TEXT:
                files = {key: there[key].object for key in there if not is_unreadable(states[key])}
                labels = self._mirror.labels(repository, head, files)
                states = {key: labelled_by(state, labels.get(key, "")) for key, state in states.items()}
        return states

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused; see `Branch.rehearse`.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        return self._branch.rehearse(self._documents.errands_of(changes), self._documents.weigh)

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """One commit for all that is to be changed, on top of the branch as it is; see `Branch.apply`."""
        check_batch([change.key for change in changes], self._keys, self._name)
        return self._branch.apply(self._documents.errands_of(changes), self._documents.weigh, cause)

    def close(self) -> None:
        self._mirror.close()
