"""One conversation with BIRD 2 over its control socket, within one deadline.

Each line of an answer carries a code of four digits, or a space where it is the code of the line before; a code and a
space end the answer (BIRD's doc/reply_codes): 0xxx is done, 1xxx and 2xxx are lines of a list, 8xxx says that it was
looked at and is not so, 9xxx that the question was wrong.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from incidents.wire.deadline import Deadline

# An answer about 100,000 routes is some 30 MB; more than this is no answer.
LARGEST_ANSWER = 64 * 1024 * 1024
LONGEST_WORDS = 200

GREETING, RECONFIGURED, CHECKED, CONFIRMED, NOTHING_TO_DO = "0001", "0003", "0020", "0018", "0019"
IN_PROGRESS, QUEUED, NOT_FOUND = "0004", "0005", "8001"

_CODED = re.compile(r"(\d{4})[- ]")
_FOLDERS = re.compile(r"(?<![\w.])(?:\.{0,2}/[^\s:\"'/]+)*\.{0,2}/(?=[^\s:\"'/])")


@dataclass(frozen=True, slots=True)
class Answer:
    """What BIRD said to one command: the code of the last line, and all lines without their codes."""

    code: str
    lines: tuple[str, ...]

    @property
    def refused(self) -> bool:
        return self.code[0] in "89" and self.code != NOT_FOUND

    @property
    def words(self) -> str:
        """The last line, for people: short, and files by their names alone."""
        return _FOLDERS.sub("", self.lines[-1])[:LONGEST_WORDS]


class Talk:
    """A connection that has been greeted; a context manager.

    Args:
        path: of the control socket.
        deadline: of the whole call that this is part of.

    Raises (every method):
        TimeoutError: the deadline passed, however many bytes dripped in.
        OSError: no connection, or it was cut, or what answers is not BIRD.
    """

    def __init__(self, path: str, deadline: Deadline) -> None:
        self._deadline = deadline
        self._line = socket.socket(socket.AF_UNIX)
        try:
            self._line.settimeout(deadline.left())
            self._line.connect(path)
            if self._answer().code != GREETING:
                raise ConnectionError("what answers is not BIRD")
        except OSError:
            self._line.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.close()

    def ask(self, command: str) -> Answer:
        """Sends one command and waits for the whole answer. The caller builds commands of checked pieces only."""
        if not command.isprintable():
            raise ConnectionError("a command is one line")
        self._line.settimeout(self._deadline.left())
        self._line.sendall(f"{command}\n".encode())
        return self._answer()

    def _answer(self) -> Answer:
        lines: list[str] = []
        rest, size = b"", 0
        while True:
            self._line.settimeout(self._deadline.left())
            piece = self._line.recv(262_144)
            size += len(piece)
            if not piece or size > LARGEST_ANSWER:
                raise ConnectionError("the answer has no end")
            *whole, rest = (rest + piece).split(b"\n")
            for raw in whole:
                text = raw.decode(errors="replace")
                coded = _CODED.match(text)
                lines.append(text[5:] if coded else text[1:])
                if coded and text[4] == " ":
                    return Answer(coded[1], tuple(lines))
