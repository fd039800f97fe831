"""Connections of urllib3 that know two things more: whether anything could have been sent, and when to give up.

urllib3 waits for its timeout anew for each piece of an answer that arrives, so a server that sends a byte now and then
holds its caller for hours. And it tells of a connection that broke during the TLS handshake in the same way as of one
that broke after the request.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class NotConnected(urllib3.exceptions.HTTPError):
    """There was no connection yet, so certainly nothing was sent. The reason is its `__cause__`."""


class _Raw(io.RawIOBase):
    """What a socket receives until a moment of the monotonic clock; a TimeoutError after it."""

    def __init__(self, line: socket.socket, received: io.RawIOBase, end: float) -> None:
        super().__init__()
        self._line, self._received, self._end = line, received, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the answer took too long")
        self._line.settimeout(seconds)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that must be whole when the time is over that the socket had left when the request had been sent."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None):
        super().__init__(sock, debuglevel, method, url)
        seconds = sock.gettimeout()
        if seconds is not None:
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_Raw(sock, raw, time.monotonic() + seconds))


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise NotConnected("no connection") from error


class _Plain(HTTPConnection):
    response_class = _Response

    def connect(self) -> None:
        with _connecting():
            super().connect()


class _Encrypted(HTTPSConnection):
    response_class = _Response

    def connect(self) -> None:
        with _connecting():
            super().connect()

    def _new_conn(self) -> socket.socket:
        """The connection that the handshake is made on, which has only the time that is left."""
        began = time.monotonic()
        line = super()._new_conn()
        seconds = line.gettimeout()
        if seconds is not None:
            line.settimeout(max(0.001, seconds - (time.monotonic() - began)))
        return line


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _EncryptedPool}
