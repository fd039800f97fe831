"""Visits to a page: what is asked for, what a right answer is, and what it means when none comes."""

from __future__ import annotations

import errno
import http.client
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import urllib3

from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.wire.connections import POOLS, NotConnected
from incidents.wire.deadline import Deadline
from incidents.wire.http import trust
from incidents.wire.settings import Secret, Settings, fault

# The settings that make a page; a probe adds those of its own.
SETTINGS = frozenset({"path", "expect_status", "expect_text", "tls", "ca"})
# The beginning of an answer, in bytes: what is read of it, and where the expected text must stand.
BEGINNING = 64 * 1024
# Threads of one round; well below the usual limit of 1,024 open files.
MOST_AT_ONCE = 256

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
# The first that fits anything in the chain of causes; urllib3 wraps what happened once or twice.
_WHY: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the certificate is not accepted"),
    (ConnectionRefusedError, "the connection was refused"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (ConnectionResetError, "the connection was reset"),
    (TimeoutError, "no answer in time"),
    (urllib3.exceptions.TimeoutError, "no answer in time"),
    (ssl.SSLError, "no encrypted connection"),
    (NotConnected, "no way to the address"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut off"),
    (BrokenPipeError, "the connection was reset"),
)

NO_ADDRESS = Reading(Mark.ERROR, detail="this point has no numeric host:port")
LOCAL_TROUBLE = Reading(Mark.ERROR, detail="this machine could not open a connection")
NO_TURN = Reading(Mark.ERROR, detail="there was no time left to look")


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for, and what a right answer is.

    Args:
        path: of the page, with a query where there is one.
        host: for the header `Host`, and the name in the server's certificate; empty for the address.
        status: the one that is right. Redirects are not followed.
        text: what must stand in the beginning of the answer; empty for anything.
        tls: None for no encryption.
    """

    path: str
    host: str
    status: int
    text: str
    tls: ssl.SSLContext | None

    @staticmethod
    def of(given: Settings, secret: Secret, host: str) -> Page:
        """Reads what SETTINGS names. Raises InventoryFault."""
        encrypted = given.flag("tls")
        if given.has("ca") and not encrypted:
            raise fault("ca", "is of no use without tls")
        return Page(
            path=matching(given, "path", r"/[!-~]*", "a path that begins with / and holds no space") or "/",
            host=host,
            status=number(given, "expect_status", 200, 599, default=200),
            text=given.text("expect_text") if given.has("expect_text") else "",
            tls=trust("ca", given.secret("ca", secret) if given.has("ca") else None) if encrypted else None,
        )

    def visit(self, host: str, port: int, times: int, deadline: Deadline) -> Reading:
        """So many requests, one after the other, each on a connection of its own; the first wrong one is the reading.

        It carries the milliseconds of the slowest answer.
        """
        slowest = 0
        for _ in range(times):
            began = time.monotonic()
            try:
                wrong = self._ask(host, port, deadline)
            except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
                return _failure(error)
            slowest = max(slowest, since(began))
            if wrong:
                return Reading(Mark.FAIL, slowest, wrong)
        return Reading(Mark.PASS, slowest, "answered")

    def _ask(self, host: str, port: int, deadline: Deadline) -> str:
        """What was wrong with the answer to one request; empty when it was right. Raises what the wire raises."""
        headers = {"User-Agent": "handrail", "Connection": "close"} | ({"Host": self.host} if self.host else {})
        with self._pool(host, port) as pool:
            response = pool.urlopen(
                "GET",
                self.path,
                headers=headers,
                timeout=urllib3.Timeout(total=deadline.left()),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                if response.status != self.status:
                    return f"answered {response.status}"
                beginning = _read(response, deadline)
            finally:
                response.close()
        return "" if self.text.encode() in beginning else "answered without the expected text"

    def _pool(self, host: str, port: int) -> urllib3.HTTPConnectionPool:
        if self.tls is None:
            return POOLS["http"](host, port)
        name = re.sub(r":[0-9]+$", "", self.host)
        return POOLS["https"](host, port, ssl_context=self.tls, server_hostname=name or None)


def look_at_all(points: Sequence[Point], look: Callable[[Point], Reading]) -> Mapping[int, Reading]:
    """One reading a point, by its id; some hundred are looked at at the same time."""
    if not points:
        return {}
    try:
        with ThreadPoolExecutor(min(len(points), MOST_AT_ONCE)) as threads:
            looks = [threads.submit(look, point) for point in points]
    except RuntimeError:  # the system lets no further thread start
        return {point.id: LOCAL_TROUBLE for point in points}
    return {point.id: look.result() for point, look in zip(points, looks, strict=True)}


def is_ours(error: BaseException) -> bool:
    """Whether it is this machine that lacks something, which says nothing about whom it looked at."""
    return any(isinstance(cause, OSError) and cause.errno in _OURS for cause in _causes(error))


def since(began: float) -> int:
    """Milliseconds since then, by the monotonic clock."""
    return round((time.monotonic() - began) * 1000)


def number(given: Settings, name: str, least: int, most: int, *, default: int) -> int:
    """A whole number within bounds. Raises InventoryFault."""
    value = given.given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise fault(name, f"must be a whole number from {least} to {most}")
    return value


def matching(given: Settings, name: str, pattern: str, words: str) -> str:
    """Text of a certain form; empty when it is left out. What passes cannot end a line of the request."""
    text = given.text(name) if given.has(name) else ""
    if text and not re.fullmatch(pattern, text):
        raise fault(name, f"must be {words}")
    return text


def _read(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """The beginning of an answer, or all of it: a page that never ends helps nobody who waits for it."""
    received = bytearray()
    while len(received) < BEGINNING:
        deadline.left()
        piece = response.read(BEGINNING - len(received), decode_content=False)
        if not piece:
            break
        received += piece
    return bytes(received)


def _failure(error: BaseException) -> Reading:
    if is_ours(error):
        return LOCAL_TROUBLE
    causes = list(_causes(error))
    for kind, detail in _WHY:
        if any(isinstance(cause, kind) for cause in causes):
            return Reading(Mark.FAIL, -1, detail)
    return Reading(Mark.FAIL, -1, "what came was no answer of HTTP")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
