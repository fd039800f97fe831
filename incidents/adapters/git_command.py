"""Runs the `git` program: fixed arguments, an environment of its own, one deadline, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from incidents.wire.deadline import Deadline

# A list of some ten thousand entries is a few megabytes. What exceeds these is cut off.
LARGEST_OUTPUT = 64 * 1024 * 1024
LARGEST_WORDS = 64 * 1024
# How long git may take to remove its lock files before it is ended by force.
SECONDS_TO_END = 0.3

# Nothing of the machine, its users or the process that we run in may change what git does, and nothing may ask.
_ALWAYS = {
    "LC_ALL": "C",  # its words are read by us
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",  # a path is a path: no patterns, no magic
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command ended.

    Args:
        code: its exit status; 0 is success.
        out: its standard output.
        words: its standard error, as lines. What the other side said stands in lines that begin with `remote: `.
    """

    code: int
    out: bytes
    words: tuple[str, ...]

    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Program:
    """git in one repository.

    Args:
        folder: a private folder, for temporary files; git takes it for the home of its user.
        repository: the bare repository.
        config: settings of git. They are handed over by the environment, for other users of the machine can read
            command lines and not environments.
        environment: what else git and its helpers find in their environment.
    """

    folder: Path
    repository: Path
    config: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    def run(self, deadline: Deadline, *arguments: str, given: bytes = b"") -> Ended:
        """Runs one command to its end.

        Args:
            given: its standard input.

        Raises:
            TimeoutError: the deadline passed; the command and all that it started have been ended.
            OSError: it could not be started.
        """
        seconds = deadline.left()
        # Files, for a pipe that is not read stops its writer, and one that another process holds open never ends.
        with _file(self.folder) as source, _file(self.folder) as out, _file(self.folder) as words:
            source.write(given)
            source.seek(0)
            process = subprocess.Popen(
                ["git", *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdin=source,
                stdout=out,
                stderr=words,
                start_new_session=True,  # a group of its own, which can be ended as a whole
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise TimeoutError("the budget of this call is spent") from None
            finally:
                if process.returncode != 0:
                    _end(process)
            return Ended(code, _read(out, LARGEST_OUTPUT), _lines(_read(words, LARGEST_WORDS)))

    def _environment(self) -> dict[str, str]:
        made = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "GIT_DIR": str(self.repository)}
        made |= _ALWAYS | dict(self.environment)
        made["GIT_CONFIG_COUNT"] = str(len(self.config))
        for number, (name, value) in enumerate(self.config.items()):
            made[f"GIT_CONFIG_KEY_{number}"], made[f"GIT_CONFIG_VALUE_{number}"] = name, value
        return made


def _file(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


def _read(file: IO[bytes], largest: int) -> bytes:
    file.seek(0)
    return file.read(largest)


def _lines(words: bytes) -> tuple[str, ...]:
    """Progress is written over itself by carriage returns; each of those is a line here."""
    text = words.decode("utf-8", "replace").replace("\r", "\n")
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group: git, and what it started to talk to the other side, even if git itself has ended."""
    for sign, seconds in ((signal.SIGTERM, SECONDS_TO_END), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
