"""BIRD 2 as a route collector, asked over its control socket.

The first word on each connection is `restrict`, after which BIRD refuses whatever would change it: a probe must not be
able to. Lines of an answer carry a code of four digits (BIRD's doc/reply_codes); a code and a space ends the answer.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from incidents.domain.errors import ProbeError
from incidents.probes.collectors import View, seconds_until

SESSION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The end of a line of `show route`, such as `* (100/-) [AS64496i]`.
ORIGIN = re.compile(r"\[AS(\d+)[ie?]\]\s*$")
# Above this many prefixes of one session its whole table is read in one answer, which is then cheaper.
MOST_LOOKUPS = 16
LARGEST_ANSWER = 64 * 1024 * 1024

Answer = list[str]
Found = TypeVar("Found")


class Bird:
    """A `Collector`. Names of sessions are those of its `protocol` blocks.

    Args:
        path: of the control socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._pid = 0

    def views(self, wanted: Mapping[str, Sequence[str]], seconds: float) -> Mapping[str, View]:
        return self._asked(lambda end: self._views(wanted, end), seconds)

    def origins(self, prefixes: Sequence[str], seconds: float) -> Mapping[str, frozenset[int]]:
        return self._asked(lambda end: self._origins(prefixes, end), seconds)

    def _asked(self, ask: Callable[[float], Found], seconds: float) -> Found:
        """One question, once more over a new connection where the old one was from before a restart of BIRD."""
        end = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise ProbeError("the collector is busy with another question")
        try:
            kept = self._line is not None and self._pid == os.getpid()
            try:
                return ask(end)
            except (BrokenPipeError, ConnectionResetError, EOFError):
                if not kept:
                    raise
                self._drop()
                return ask(end)
        except (OSError, EOFError, ValueError) as error:
            self._drop()
            raise ProbeError(f"the collector does not answer ({type(error).__name__})") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _views(self, wanted: Mapping[str, Sequence[str]], end: float) -> Mapping[str, View]:
        (protocols,) = self._ask(["show protocols"], end)
        up = {words[0]: words[3] == "up" for words in map(str.split, protocols) if len(words) > 3}
        views: dict[str, View] = {}
        for session, prefixes in wanted.items():
            if session not in up:
                continue
            seen = self._seen(session, prefixes, end) if up[session] else frozenset()
            views[session] = View(up[session], seen)
        return views

    def _seen(self, session: str, prefixes: Sequence[str], end: float) -> frozenset[str]:
        if len(prefixes) > MOST_LOOKUPS:
            commands = [f"show route protocol {session}"]
        else:
            commands = [f"show route {prefix} protocol {session}" for prefix in prefixes]
        lines = (line for answer in self._ask(commands, end) for line in answer)
        return frozenset(line.split(maxsplit=1)[0] for line in lines if line[:1].isalnum()) & frozenset(prefixes)

    def _origins(self, prefixes: Sequence[str], end: float) -> Mapping[str, frozenset[int]]:
        few = len(prefixes) <= MOST_LOOKUPS
        commands = [f"show route {prefix}" for prefix in prefixes] if few else ["show route"]
        found: dict[str, set[int]] = {prefix: set() for prefix in prefixes}
        prefix = ""
        for line in (line for answer in self._ask(commands, end) for line in answer):
            # A prefix stands before its first path only; the others follow it, indented.
            prefix = line.split(maxsplit=1)[0] if line[:1].isalnum() else prefix
            if prefix in found and (origin := ORIGIN.search(line)):
                found[prefix].add(int(origin[1]))
        return {prefix: frozenset(origins) for prefix, origins in found.items()}

    def _ask(self, commands: Sequence[str], end: float) -> list[Answer]:
        """Sends all commands at once; BIRD answers them in order."""
        line = self._connected(end)
        line.settimeout(seconds_until(end))
        line.sendall("".join(f"{command}\n" for command in commands).encode())
        return self._read(line, len(commands), end)

    def _connected(self, end: float) -> socket.socket:
        if self._line is None or self._pid != os.getpid():
            line = socket.socket(socket.AF_UNIX)
            self._line, self._pid = line, os.getpid()
            line.settimeout(seconds_until(end))
            line.connect(self._path)
            line.sendall(b"restrict\n")
            self._read(line, 2, end)  # the greeting, and the answer to `restrict`
        return self._line

    def _read(self, line: socket.socket, count: int, end: float) -> list[Answer]:
        """Reads so many answers. Raises EOFError when the connection ends before."""
        answers: list[Answer] = [[]]
        rest, size = b"", 0
        while len(answers) <= count:
            line.settimeout(seconds_until(end))
            piece = line.recv(262_144)
            size += len(piece)
            if not piece or size > LARGEST_ANSWER:
                raise EOFError("the answer has no end")
            *lines, rest = (rest + piece).split(b"\n")
            for text in lines:
                _take(text.decode(errors="replace"), answers)
        return answers[:count]

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _take(line: str, answers: list[Answer]) -> None:
    """Adds one line to the last of the answers, and begins a new one after the last line of an answer."""
    coded = line[:4].isdigit() and line[4:5] in ("-", " ")
    last = coded and line[4] == " "
    if not coded:
        answers[-1].append(line[1:])
    elif line[0] in "123":  # 0xxx says done, 8xxx not found, 9xxx that the question was wrong
        answers[-1].append(line[5:])
    elif line[0] == "9":
        raise ValueError("the collector does not understand the question")
    if last:
        answers.append([])
