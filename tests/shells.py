"""`manage.py` as people and scripts start it: by pipes, or at a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from tests.processes import ROOT, database_url, free_port

PATIENCE = 60.0


def environment(**changes: str) -> dict[str, str]:
    """Of the test database, with no broker anywhere. An empty value takes a variable away."""
    given = {
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "SECURE": "false",
        "SECOND_FACTOR": "optional",
        "DATABASE_URL": database_url(),
        "LOG_LEVEL": "CRITICAL",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }
    return {name: value for name, value in {**os.environ, **given}.items() if value or name not in changes}


def manage(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs it by pipes, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@dataclass
class Terminal:
    """One command at a terminal."""

    pid: int
    fd: int
    said: str = field(default="")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Until it has said this since the last time."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < end, self.said
            assert self._read(), self.said
        self.said = self.said[found.end() :]
        return found

    def type(self, text: str) -> None:
        os.write(self.fd, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self.fd, b"\x03")

    def ends(self) -> int:
        """Its exit code, once it has ended."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        ready, _, _ = select.select([self.fd], [], [], PATIENCE)
        assert ready, f"nothing more was said: {self.said}"
        try:
            some = os.read(self.fd, 4096)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.said += some.decode(errors="replace").replace("\r\n", "\n")
        return bool(some)


@contextmanager
def terminal(*arguments: str, **changes: str) -> Iterator[Terminal]:
    """Runs it at a terminal of its own, which is closed in the end, and with it whatever is left."""
    given = environment(**changes)
    pid, fd = pty.fork()
    if pid == 0:
        # A run of the tests in the background ignores it, and programs inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "manage.py", *arguments], given)  # noqa: S606  # a program of ours
    try:
        yield Terminal(pid, fd)
    finally:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        except ChildProcessError:  # its end was waited for
            pass
        os.close(fd)
