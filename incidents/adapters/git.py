"""Git: what stands at paths of one branch, put back by one commit that undoes nothing else.

This is the GitOps answer to "revert the last deploy": a controller that reads the branch carries it out. The other
side may be any repository that git itself can reach. Tried with git 2.39 over http, ssh and in a local folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.adapters.base import check_batch
from incidents.adapters.git_branch import Branch, check_paths, path_of
from incidents.adapters.git_mirror import Mirror
from incidents.adapters.git_remote import SETTINGS, Remote, read_remote
from incidents.adapters.git_trees import errands_of, state_of, weigh
from incidents.domain.changes import STATUS, Cause, Change, Receipt, State
from incidents.domain.findings import Finding
from incidents.wire.settings import Settings


class Git:
    """An `Adapter` whose keys are paths; a state is `{"tree": ID}`, the object at the path, or `""` for nothing there.

    Args:
        remote: the branch, and how to reach it.
        keys: the paths that the inventory binds to this backend.
        budget_seconds: the longest that one call may take, the first fetch of all history included.
    """

    def __init__(self, *, remote: Remote, keys: frozenset[str], budget_seconds: float) -> None:
        self._name, self._keys = remote.name, keys
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
        given = Settings.of(settings, SETTINGS)
        check_paths(keys)
        return cls(remote=read_remote(name, given, secret), keys=keys, budget_seconds=budget_seconds)

    @staticmethod
    def normalize_key(key: str) -> str:
        """A path in the repository; see `path_of`. Raises InventoryFault."""
        return path_of(key)

    def observe(self, keys: Sequence[str]) -> Mapping[str, State]:
        check_batch(keys, self._keys, self._name)
        with self._branch.look() as (repository, head):
            there = repository.entries(head, keys)
            trees = {key: there[key].object for key in keys if key in there}
            labels = self._mirror.labels(repository, head, trees)
        return {key: _told(state_of(there.get(key)), labels.get(key, "")) for key in keys}

    def rehearse(self, changes: Sequence[Change]) -> Sequence[Finding]:
        """What would be refused; see `Branch.rehearse`.

        Raises: UnknownKey; BackendUnreachable, BackendTimeout, BackendRefused.
        """
        if not changes:
            return []
        check_batch([change.key for change in changes], self._keys, self._name)
        return self._branch.rehearse(errands_of(changes), weigh)

    def apply(self, changes: Sequence[Change], cause: Cause) -> Sequence[Receipt]:
        """One commit for all that is to be changed, on top of the branch as it is; see `Branch.apply`."""
        check_batch([change.key for change in changes], self._keys, self._name)
        return self._branch.apply(errands_of(changes), weigh, cause)

    def close(self) -> None:
        self._mirror.close()


def _told(state: State, label: str) -> State:
    return {**state, STATUS: {"label": label}} if label else state
