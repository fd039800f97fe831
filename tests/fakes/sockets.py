"""Peers over real TCP sockets that misbehave in simple ways."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Peer:
    """Listens on a free port and hands each connection to `meet` in a thread. `met` counts the connections."""

    def __init__(self, meet: Callable[[socket.socket, threading.Event], None]) -> None:
        self._meet = meet
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._threads: list[threading.Thread] = []
        self.met = 0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

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
