"""The generated file that BIRD's configuration includes, and who may write it.

Beside the file NAME lie, only while they are needed, `.NAME.new` and `.NAME.candidate`, and always `.NAME.lock`: its
lock is held by whoever writes, in whichever process, and what stands in it is the moment (seconds since 1970) until
which the router may go back by itself, because a change was begun and its end is not known. The names begin with a dot
so that an `include "*"` in BIRD's configuration does not take them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incidents.adapters.bird_routes import MARKER
from incidents.wire.deadline import Deadline

SECONDS_BETWEEN_TRIES = 0.02


class NotOurs(Exception):
    """The file is somebody else's, or may not be written by us. Its text is for people."""


class Include:
    """One generated file.

    Args:
        path: absolute, as BIRD's configuration names it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = _beside(self._path, "lock")

    @contextmanager
    def locked(self, deadline: Deadline) -> Iterator[Held]:
        """The file, while nobody else writes it.

        Raises:
            TimeoutError: somebody else was writing for all of the time that was left.
            NotOurs: the file beside it cannot be made or opened.
        """
        with _or_not_ours(self._path, "written"):
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            while not _taken(descriptor):
                time.sleep(min(SECONDS_BETWEEN_TRIES, deadline.left()))
            yield Held(self._path, descriptor)
        finally:
            os.close(descriptor)  # which gives the lock back, as the end of the process does

    def unsettled(self) -> bool:
        """Whether the router may still go back by itself. Needs no lock; False where nothing was ever written."""
        try:
            return float(self._lock.read_bytes()) > time.time()
        except (OSError, ValueError):
            return False


class Held:
    """The file, while its lock is held. Made by `Include.locked` only. Every method raises NotOurs."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    def mark(self) -> bytes:
        """What was left in the lock; empty when the last change came to its end."""
        with _or_not_ours(self.path, "read"):
            return os.pread(self._descriptor, 64, 0)

    def set_mark(self, value: bytes) -> None:
        with _or_not_ours(self.path, "written"):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, value, 0)

    def read(self) -> str | None:
        """The text of the file; None when there is none yet."""
        with _or_not_ours(self.path, "read"):
            try:
                kind = self.path.lstat().st_mode
            except FileNotFoundError:
                return None
            if not stat.S_ISREG(kind):
                raise NotOurs(f"{self.path.name} is no plain file; nothing was written")
            text = self.path.read_bytes().decode(errors="replace")
        if text.partition("\n")[0].rstrip() != MARKER:
            raise NotOurs(f"{self.path.name} does not begin with the line that marks it as ours; nothing was written")
        return text

    def write(self, text: str | None) -> None:
        """Replaces the file as a whole; None removes it."""
        with _or_not_ours(self.path, "written"):
            if text is None:
                self.path.unlink(missing_ok=True)
            else:
                self._write(_beside(self.path, "new"), text).replace(self.path)

    @contextmanager
    def candidate(self, text: str) -> Iterator[Path]:
        """A file for BIRD to look at; gone afterwards."""
        path = _beside(self.path, "candidate")
        try:
            with _or_not_ours(path, "written"):
                self._write(path, text)
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _write(self, path: Path, text: str) -> Path:
        """A new file, with the rights of the old one: BIRD may run as another user and must be able to read it."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)
            with contextlib.suppress(OSError):
                old = self.path.stat()
                os.fchown(descriptor, -1, old.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        return path


@contextmanager
def _or_not_ours(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotOurs(f"{path.name} cannot be {done}: {error.strerror}") from error


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.{what}")


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
