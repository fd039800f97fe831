"""Does the service behind a prefix answer through that location? A TCP connection says so, and how long it took."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.wire.settings import Settings, endpoint

SETTINGS = frozenset({"expect"})
# What proves that somebody is there: the first byte of a greeting, or a connection that is not ended at once.
# Accepting alone proves nothing: the kernel, or a load balancer with nothing behind it, does that too.
EXPECT = ("greeting", "open")
SECONDS_OPEN = 0.1
# Well below the usual limit of 1,024 open files.
MOST_AT_ONCE = 256

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

NO_ADDRESS = Reading(Mark.ERROR, detail="this point has no numeric host:port")
LOCAL_TROUBLE = Reading(Mark.ERROR, detail="this machine could not open a connection")
NO_TURN = Reading(Mark.ERROR, detail="there was no time left to look")


class Tcp:
    """A `Probe`; all points of a batch at the same time, within one budget.

    Args:
        name: slug of the probe, for messages.
        expect: `greeting` or `open`, see EXPECT.
        budget_seconds: the longest that one round may take.
    """

    def __init__(self, *, name: str, expect: str, budget_seconds: float) -> None:
        self._name, self._expect, self._budget = name, expect, budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown or ill-typed. There are no secret ones."""
        expect = Settings.of(settings, SETTINGS).choice("expect", EXPECT, default="greeting")
        return cls(name=name, expect=expect, budget_seconds=budget_seconds)

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        if not points:
            return {}
        try:
            return asyncio.run(self._round(points))
        except OSError:  # not even the loop could be set up: no file descriptor is left
            return {point.id: LOCAL_TROUBLE for point in points}

    def close(self) -> None:
        """Nothing to end: connections live for one round."""

    async def _round(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        end = asyncio.get_running_loop().time() + self._budget
        turns = asyncio.Semaphore(MOST_AT_ONCE)

        async def look(point: Point) -> Reading:
            try:
                async with asyncio.timeout_at(end):
                    await turns.acquire()
            except TimeoutError:
                return NO_TURN
            try:
                return await self._look(point.address, end)
            finally:
                turns.release()

        readings = await asyncio.gather(*map(look, points))
        return {point.id: reading for point, reading in zip(points, readings, strict=True)}

    async def _look(self, address: str, end: float) -> Reading:
        try:
            host, port = endpoint(address)
        except ValueError:
            return NO_ADDRESS
        loop = asyncio.get_running_loop()
        began, milliseconds = time.monotonic(), -1
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as line:
                line.setblocking(False)
                async with asyncio.timeout_at(end):
                    await loop.sock_connect(line, (host, port))
                    milliseconds = round((time.monotonic() - began) * 1000)
                    return await self._proof(loop, line, milliseconds)
        except TimeoutError:
            what = "no connection" if milliseconds < 0 else "connected, but no answer"
            return Reading(Mark.FAIL, milliseconds, f"{what} in time")
        except OSError as error:
            return LOCAL_TROUBLE if error.errno in _OURS else _failure(error, milliseconds)

    async def _proof(self, loop: asyncio.AbstractEventLoop, line: socket.socket, milliseconds: int) -> Reading:
        if self._expect == "greeting":
            ended = not await loop.sock_recv(line, 1)
        else:
            try:
                ended = not await asyncio.wait_for(loop.sock_recv(line, 1), SECONDS_OPEN)
            except TimeoutError:
                ended = False
        if ended:
            return Reading(Mark.FAIL, milliseconds, "the connection was closed without an answer")
        return Reading(Mark.PASS, milliseconds, "answered")


def _failure(error: OSError, milliseconds: int) -> Reading:
    if isinstance(error, ConnectionRefusedError):
        return Reading(Mark.FAIL, milliseconds, "the connection was refused")
    if isinstance(error, ConnectionResetError):
        return Reading(Mark.FAIL, milliseconds, "the connection was reset")
    return Reading(Mark.FAIL, milliseconds, "no way to the address")
