"""As much of HTTP as the lab speaks: one page a connection, and the question what a page says now."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

SECONDS = 2.0
# Says which release a page is of; empty for pages that are of none.
RELEASE = "X-Release"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to whatever is asked."""

    status: int
    body: str
    release: str = ""

    def as_bytes(self) -> bytes:
        body = self.body.encode()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "Content-Type: text/html; charset=utf-8",
            f"Content-Length: {len(body)}",
            *([f"{RELEASE}: {self.release}"] if self.release else []),
            "Connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


class Pages:
    """Listens at loopback addresses until the program ends."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []

    async def listen(self, host: str, answer: Callable[[], Answer], port: int = 0) -> str:
        """Starts one listener, on a free port where none is given; returns its `host:port`.

        `answer` is called for each request. Raises OSError.
        """

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                async with asyncio.timeout(SECONDS):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(answer().as_bytes())
                    await writer.drain()
                writer.close()
            except (OSError, EOFError, asyncio.LimitOverrunError):
                writer.transport.abort()

        server = await asyncio.start_server(meet, host, port, backlog=1024)
        self._servers.append(server)
        return f"{host}:{server.sockets[0].getsockname()[1]}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visitor was answered; status 0 for no answer."""

    status: int
    release: str = ""


def visit(address: str) -> Seen:
    """Asks for the page at `host:port` once."""
    return fetch(address)[0]


def fetch(address: str) -> tuple[Seen, str]:
    """The same, with what stands on the page."""
    line = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        line.request("GET", "/")
        answer = line.getresponse()
        body = answer.read().decode(errors="replace")
        return Seen(answer.status, answer.getheader(RELEASE, "")), body
    except (OSError, http.client.HTTPException):
        return Seen(0), ""
    finally:
        line.close()
