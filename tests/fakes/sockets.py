"""Peers over real sockets, of TCP and of Unix, that misbehave in simple ways."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self


class Peer:
    """Listens on a free port and hands each connection to `meet` in a thread. `met` counts the connections."""

    def __init__(self, meet: Callable[[socket.socket, threading.Event], None]) -> None:
        self._meet = meet
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.met = 0
        self._listener, self.address = self._listen()

    def _listen(self) -> tuple[socket.socket, str]:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        return listener, f"127.0.0.1:{listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.met += 1
            self._start(self._talk, line)

    def _talk(self, line: socket.socket) -> None:
        with line:
            try:
                self._meet(line, self._ended)
            except OSError:
                return

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments)
        self._threads.append(thread)
        thread.start()


class UnixPeer(Peer):
    """The same on a Unix socket of its own; `address` is its path."""

    def _listen(self) -> tuple[socket.socket, str]:
        self._directory = tempfile.TemporaryDirectory(prefix="peer-")
        path = str(Path(self._directory.name) / "socket")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1024)
        return listener, path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self._directory.cleanup()


def silent(line: socket.socket, ended: threading.Event) -> None:
    """Takes the connection and never says a word."""
    ended.wait()


def dripping(line: socket.socket, ended: threading.Event) -> None:
    """One byte of an answer now and then, without end."""
    while not ended.wait(0.05):
        line.sendall(b"{")


def closing(line: socket.socket, ended: threading.Event) -> None:
    """Ends the connection at once."""


def closed_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def closed_path() -> str:
    """The path of a Unix socket that nobody listens on any more."""
    with UnixPeer(closing) as peer:
        return peer.address
