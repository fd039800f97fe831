"""Our copy of a branch: where it lives, who may use it now, and what is remembered of it between two calls."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from incidents.adapters.git_command import Program
from incidents.adapters.git_remote import Remote
from incidents.adapters.git_repository import Damaged, Repository
from incidents.domain.errors import BackendUnreachable
from incidents.wire.deadline import Deadline

# What git leaves behind when it is ended by force. We are its only user, so all of it is stale.
LEFTOVERS = ("*.lock", "tmp_*", "incoming-*")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit of the branch, and the moment (monotonic, in seconds) at which the look at it began."""

    commit: str
    began: float


class Mirror:
    """A private bare repository in a temporary folder, made at first use; one user at a time.

    Args:
        remote: what it is a copy of.
        budget_seconds: of one call; how long a new ssh connection may take.
    """

    def __init__(self, remote: Remote, budget_seconds: float) -> None:
        self._remote, self._budget = remote, budget_seconds
        self._lock = threading.Lock()
        self._program: Program | None = None
        self._remove: weakref.finalize[[str, bool], Mirror] | None = None
        self._unclean = False
        self._labels: tuple[str, dict[str, str]] = ("", {})
        self.head: Head | None = None

    @contextmanager
    def use(self, deadline: Deadline) -> Iterator[Repository]:
        """The repository, for the caller alone.

        Raises:
            TimeoutError: others used it until the deadline, or the deadline passed in it.
            BackendUnreachable: git is not installed, or the copy was damaged; the next call makes another.
        """
        if not self._lock.acquire(timeout=deadline.left()):
            raise TimeoutError("others used the copy of this repository until now")
        try:
            yield self._open(deadline)
        except TimeoutError:
            self._unclean = True
            raise
        except Damaged as error:
            self._discard()
            text = f"our copy of {self._remote.name} was damaged and is fetched anew at the next call"
            raise BackendUnreachable(text) from error
        except OSError as error:
            self._discard()
            raise BackendUnreachable(f"{self._remote.name} could not be asked: {error.strerror}") from error
        finally:
            self._lock.release()

    def labels(self, repository: Repository, commit: str, trees: Mapping[str, str]) -> Mapping[str, str]:
        """What people call these states, by path; remembered for as long as the branch does not move.

        Args:
            trees: what stands at each path in this commit.
        """
        known = self._labels[1] if self._labels[0] == commit else {}
        new = {path: tree for path, tree in trees.items() if tree and path not in known}
        if new:
            # A name that was not found in time is not looked for again and again.
            known = {**known, **dict.fromkeys(new, ""), **_names(repository, commit, new)}
            self._labels = (commit, known)
        return known

    def close(self) -> None:
        """Removes the folder, once whoever uses it is done; a call after it makes another."""
        with self._lock:
            self._discard()

    def _open(self, deadline: Deadline) -> Repository:
        if self._program is None:
            self._program = self._make(deadline)
        elif self._unclean:
            _clean(self._program.repository)
        self._unclean = False
        return Repository(self._program, self._remote, deadline)

    def _make(self, deadline: Deadline) -> Program:
        folder = Path(tempfile.mkdtemp(prefix="handrail-git-"))
        self._remove = weakref.finalize(self, shutil.rmtree, str(folder), True)
        self._remote.lay_out(folder)
        program = Program(
            folder=folder,
            repository=folder / "repository",
            config=self._remote.config(folder),
            environment=self._remote.environment(folder, self._budget),
        )
        Repository(program, self._remote, deadline).make()
        return program

    def _discard(self) -> None:
        if self._remove is not None:
            self._remove()
        self._program, self._remove, self.head = None, None, None


def _names(repository: Repository, commit: str, trees: Mapping[str, str]) -> Mapping[str, str]:
    """Names in half of the time that is left, or none: a state is worth more than what it is called."""
    try:
        hurried = replace(repository, deadline=Deadline(repository.deadline.left() / 2))
        return hurried.labels(commit, trees)
    except TimeoutError:
        return {}


def _clean(repository: Path) -> None:
    for pattern in LEFTOVERS:
        for path in repository.rglob(pattern):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
