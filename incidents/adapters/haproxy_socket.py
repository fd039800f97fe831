"""One line of commands over HAProxy's runtime API, and its answers; a new connection a line, within one deadline.

Several commands stand in one line, parted by `;`. HAProxy answers each in turn, ends every answer with an empty line,
and closes the connection after the last (management guide, section 9.3). So what is not ended by an empty line was cut.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings, fault

# An absolute path of a Unix socket, or host and port of a TCP one.
Address: TypeAlias = str | tuple[str, int]
# A Unix socket's path has 107 bytes on Linux.
LONGEST_PATH = 107
# The state of 10,000 servers is about 2 megabytes; more than this is no answer.
LARGEST_ANSWER = 32 * 1024 * 1024
# Half of the buffer that HAProxy reads commands into (tune.bufsize is 16384 unless set).
LONGEST_LINE = 8000


class NotConnected(OSError):
    """There is no connection, so certainly nothing was sent."""


@dataclass(frozen=True, slots=True)
class RuntimeApi:
    """Where the runtime API of one HAProxy is. Holds no connection, so threads may share it."""

    address: Address

    def ask(self, commands: Sequence[str], deadline: Deadline) -> list[str]:
        """The answers to the commands, without their line ends; empty text means "done".

        Fewer answers than commands: the connection was cut, or HAProxy did not understand the line.

        Raises:
            NotConnected: nothing was sent.
            TimeoutError, OSError: something was sent, perhaps; no answer, or no end of it.
        """
        line = ";".join(commands).encode() + b"\n"
        with self._connect(deadline) as connection:
            connection.settimeout(deadline.left())
            connection.sendall(line)
            return answers_in(_read(connection, deadline))

    def _connect(self, deadline: Deadline) -> socket.socket:
        try:
            if isinstance(self.address, tuple):
                return socket.create_connection(self.address, deadline.left())
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.settimeout(deadline.left())
                connection.connect(self.address)
            except OSError:
                connection.close()
                raise
            return connection
        except OSError as error:
            raise NotConnected(error.strerror or "no answer in time") from error


def address_of(given: Settings, name: str) -> Address:
    """The address in a setting: an absolute path, or numeric `host:port`. Raises InventoryFault."""
    return path_of(given, name, LONGEST_PATH) if given.text(name).startswith("/") else given.socket_address(name)


def path_of(given: Settings, name: str, longest: int) -> str:
    """An absolute path in a setting, of at most so many bytes. Raises InventoryFault."""
    path = given.text(name)
    if not path.startswith("/") or path.endswith("/") or not path.isprintable():
        raise fault(name, "must be the absolute path of a file")
    if len(os.fsencode(path)) > longest:
        raise fault(name, f"is longer than {longest} bytes")
    return path


def lines_of(commands: Sequence[str]) -> list[slice]:
    """Cuts a batch into lines that HAProxy's buffer holds; every command is in one of them, in order."""
    slices: list[slice] = []
    start = length = 0
    for place, command in enumerate(commands):
        if length and length + 1 + len(command) > LONGEST_LINE:
            slices.append(slice(start, place))
            start, length = place, 0
        length += len(command) + (1 if length else 0)
    return [*slices, slice(start, len(commands))] if commands else []


def answers_in(text: str) -> list[str]:
    """What stands before each empty line."""
    answers: list[str] = []
    said: list[str] = []
    for line in text.split("\n")[:-1]:
        if line:
            said.append(line)
        else:
            answers.append("\n".join(said))
            said = []
    return answers


def _read(connection: socket.socket, deadline: Deadline) -> str:
    """Everything until HAProxy closes the connection."""
    pieces = bytearray()
    while True:
        connection.settimeout(deadline.left())
        piece = connection.recv(65536)
        if not piece:
            return pieces.decode(errors="replace")
        pieces += piece
        if len(pieces) > LARGEST_ANSWER:
            raise ConnectionError("the answer is too large")
