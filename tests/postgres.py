"""A PostgreSQL cluster of our own: made in a temporary folder, on a free port, and ended with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from incidents.lab.ports import free_port


def find_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`; the newest where there are several, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


class Postgres:
    """One cluster, up between `with` and its end. `url` is for DATABASE_URL."""

    def __init__(self) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("PostgreSQL is not installed")
        self._binaries = binaries
        # The server refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self._folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short, for the socket's sake
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port("127.0.0.1")
        self.url = f"postgresql://{self._user}@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        shutil.chown(self._folder, self._user)
        data = str(self._folder / "data")
        self._run(["initdb", "-D", data, "-U", self._user, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"])
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            # Written to disk by nobody: this cluster holds nothing that outlives the tests.
            "fsync": "off",
            # What a test rolls back leaves pages without rows. Statistics of those make the planner believe that a
            # table stays empty, however much it grows in the next test, and statements of 10 ms take 10 s.
            "autovacuum": "off",
            "max_connections": 200,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            self._as_user(["postgres", "-D", data, *flags]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()
        return self

    @property
    def pid(self) -> int:
        """Of the server: frozen, it takes connections and says nothing."""
        assert self._process is not None
        return self._process.pid

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT: "fast shutdown", sessions are ended
            self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _as_user(self, command: list[str]) -> list[str]:
        command = [str(self._binaries / command[0]), *command[1:]]
        if os.getuid() != 0:
            return command
        entry = pwd.getpwnam(self._user)
        identity = [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        return ["setpriv", *identity, *command]

    def _run(self, command: list[str]) -> None:
        subprocess.run(self._as_user(command), check=True, capture_output=True, cwd=self._folder)

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            ready = subprocess.run(
                [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
            )
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not come up within 30 s")
