"""A name server that answers what a test wants: over UDP and TCP, at one port."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Self

import dns.flags
import dns.message
import dns.rrset

# The messages that go back to one that came, in their order.
Answers = Callable[[bytes], Sequence[bytes]]


def silent(_: bytes) -> Sequence[bytes]:
    return ()


def reply(
    query: bytes,
    *rows: tuple[str, str, str],
    rcode: int = 0,
    flags: int = dns.flags.AA,
) -> bytes:
    """The answer to a query that holds these sets of one record: name, type, content."""
    answer = dns.message.make_response(dns.message.from_wire(query))
    answer.flags |= flags
    answer.set_rcode(dns.rcode.Rcode(rcode))
    answer.answer = [dns.rrset.from_text(name, 60, "IN", kind, content) for name, kind, content in rows]
    return answer.to_wire(max_size=65535)


def cut_off(query: bytes) -> Sequence[bytes]:
    """Too long for a datagram."""
    return [reply(query, flags=dns.flags.AA | dns.flags.TC)]


class NameServer:
    """`asked` counts the datagrams that came, `called` the connections; `dripping` sends TCP answers byte by byte."""

    def __init__(self, udp: Answers, tcp: Answers = silent, *, dripping: bool = False) -> None:
        self._udp, self._tcp, self._dripping = udp, tcp, dripping
        self._ended = threading.Event()
        self._datagrams, self._listener = _pair()
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = self.called = 0
        self._threads = [threading.Thread(target=self._serve_udp), threading.Thread(target=self._serve_tcp)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._datagrams.close()
        self._listener.close()

    def _serve_udp(self) -> None:
        while not self._ended.is_set():
            try:
                query, where = self._datagrams.recvfrom(4096)
            except TimeoutError:
                continue
            self.asked += 1
            for answer in self._udp(query):
                self._datagrams.sendto(answer, where)

    def _serve_tcp(self) -> None:
        while not self._ended.is_set():
            try:
                line, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.called += 1
            with line:
                self._talk(line)

    def _talk(self, line: socket.socket) -> None:
        """Keeps the connection for as long as the other side does, where it has nothing to say."""
        line.settimeout(2)
        try:
            (length,) = struct.unpack("!H", line.recv(2))
            for answer in self._tcp(line.recv(length)):
                whole = struct.pack("!H", len(answer)) + answer
                for start in range(len(whole) if self._dripping else 0):
                    line.sendall(whole[start : start + 1])
                    if self._ended.wait(0.1):
                        return
                if not self._dripping:
                    line.sendall(whole)
            line.recv(1)
        except OSError:
            return


def _pair() -> tuple[socket.socket, socket.socket]:
    """A socket of either kind at one free port."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listener.getsockname())
        except OSError:
            listener.close()
            datagrams.close()
            continue
        listener.settimeout(0.05)
        datagrams.settimeout(0.05)
        return datagrams, listener
