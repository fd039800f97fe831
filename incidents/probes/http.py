"""Does the service answer rightly through that location? A page that is asked for says so, as its users would ask."""

from __future__ import annotations

import errno
import http.client
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import urllib3

from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.wire.connections import POOLS, NotConnected
from incidents.wire.deadline import Deadline
from incidents.wire.http import trust
from incidents.wire.settings import Settings, endpoint, fault

SETTINGS = frozenset({"path", "host", "expect_status", "expect_text", "requests", "tls", "ca"})
MOST_REQUESTS = 20
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
        requests: how many must be answered rightly, each on a connection of its own, for a balancer spreads them.
        tls: None for no encryption.
    """

    path: str
    host: str
    status: int
    text: str
    requests: int
    tls: ssl.SSLContext | None


class Http:
    """A `Probe`; all points of a batch at the same time, within one budget.

    Args:
        name: slug of the probe, for messages.
        page: what is asked for.
        budget_seconds: the longest that one round may take.
    """

    def __init__(self, *, name: str, page: Page, budget_seconds: float) -> None:
        self._name, self._page, self._budget = name, page, budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown or ill-typed; see docs/probes.md."""
        given = Settings.of(settings, SETTINGS)
        encrypted = given.flag("tls")
        if given.has("ca") and not encrypted:
            raise fault("ca", "is of no use without tls")
        tls = trust("ca", given.secret("ca", secret) if given.has("ca") else None) if encrypted else None
        page = Page(
            path=_matching(given, "path", r"/[!-~]*", "a path that begins with / and holds no space") or "/",
            host=_matching(given, "host", r"([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?", "a host, or host:port"),
            status=_number(given, "expect_status", 200, 599, default=200),
            text=given.text("expect_text") if given.has("expect_text") else "",
            requests=_number(given, "requests", 1, MOST_REQUESTS, default=1),
            tls=tls,
        )
        return cls(name=name, page=page, budget_seconds=budget_seconds)

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        if not points:
            return {}
        deadline = Deadline(self._budget)
        try:
            with ThreadPoolExecutor(min(len(points), MOST_AT_ONCE)) as threads:
                looks = [threads.submit(self._look, point.address, deadline) for point in points]
        except RuntimeError:  # the system lets no further thread start
            return {point.id: LOCAL_TROUBLE for point in points}
        return {point.id: look.result() for point, look in zip(points, looks, strict=True)}

    def close(self) -> None:
        """Nothing to end: connections live for one request."""

    def _look(self, address: str, deadline: Deadline) -> Reading:
        """All requests to one point, one after the other; the first wrong answer is the reading."""
        try:
            host, port = endpoint(address)
        except ValueError:
            return NO_ADDRESS
        try:
            deadline.left()
        except TimeoutError:
            return NO_TURN
        slowest = 0
        for _ in range(self._page.requests):
            began = time.monotonic()
            try:
                wrong = self._ask(host, port, deadline)
            except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
                return _failure(error)
            slowest = max(slowest, round((time.monotonic() - began) * 1000))
            if wrong:
                return Reading(Mark.FAIL, slowest, wrong)
        return Reading(Mark.PASS, slowest, "answered")

    def _ask(self, host: str, port: int, deadline: Deadline) -> str:
        """What was wrong with the answer to one request; empty when it was right. Raises what the wire raises."""
        page = self._page
        headers = {"User-Agent": "handrail", "Connection": "close"} | ({"Host": page.host} if page.host else {})
        with self._pool(host, port) as pool:
            response = pool.urlopen(
                "GET",
                page.path,
                headers=headers,
                timeout=urllib3.Timeout(total=deadline.left()),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                if response.status != page.status:
                    return f"answered {response.status}"
                beginning = _read(response, deadline)
            finally:
                response.close()
        return "" if page.text.encode() in beginning else "answered without the expected text"

    def _pool(self, host: str, port: int) -> urllib3.HTTPConnectionPool:
        page = self._page
        if page.tls is None:
            return POOLS["http"](host, port)
        name = re.sub(r":[0-9]+$", "", page.host)
        return POOLS["https"](host, port, ssl_context=page.tls, server_hostname=name or None)


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
    causes = list(_causes(error))
    if any(isinstance(cause, OSError) and cause.errno in _OURS for cause in causes):
        return LOCAL_TROUBLE
    for kind, detail in _WHY:
        if any(isinstance(cause, kind) for cause in causes):
            return Reading(Mark.FAIL, -1, detail)
    return Reading(Mark.FAIL, -1, "what came was no answer of HTTP")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _number(given: Settings, name: str, least: int, most: int, *, default: int) -> int:
    value = given.given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise fault(name, f"must be a whole number from {least} to {most}")
    return value


def _matching(given: Settings, name: str, pattern: str, words: str) -> str:
    """Text of a certain form; empty when it is left out. What passes cannot end a line of the request."""
    text = given.text(name) if given.has(name) else ""
    if text and not re.fullmatch(pattern, text):
        raise fault(name, f"must be {words}")
    return text
