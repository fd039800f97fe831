"""What a route collector is to the route probe, and the simulated one; the real ones have files of their own."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from incidents.domain.errors import ProbeError

LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class View:
    """What a collector sees over one session: whether the session is up, and which of the prefixes asked for."""

    up: bool
    seen: frozenset[str] = frozenset()


class Collector(Protocol):
    """Holds the table of routes as other networks tell it. Safe to use from several threads at once."""

    def views(self, wanted: Mapping[str, Sequence[str]], seconds: float) -> Mapping[str, View]:
        """The view of each session; one that the collector does not know is left out.

        Args:
            wanted: canonical prefixes by name of the session.
            seconds: the longest that all of it may take.

        Raises:
            ProbeError: the collector does not answer.
        """

    def origins(self, prefixes: Sequence[str], seconds: float) -> Mapping[str, frozenset[int]]:
        """The AS numbers at the end of every path to each prefix, over all sessions. Raises ProbeError."""

    def close(self) -> None:
        """Ends connections. Harmless when repeated."""


class Simulated:
    """The collector of a simulated lab, asked over TCP; see docs/lab.md for the lines."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    def views(self, wanted: Mapping[str, Sequence[str]], seconds: float) -> Mapping[str, View]:
        questions = [[session, prefix] for session, prefixes in wanted.items() for prefix in prefixes]
        try:
            answer = self._ask({"op": "visible", "questions": questions}, time.monotonic() + seconds)
            visible, down = answer["visible"], set(answer["down"])
            pairs = list(zip(questions, visible, strict=True))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProbeError(f"the collector does not answer ({type(error).__name__})") from error
        return {
            session: View(session not in down, frozenset(p for (name, p), seen in pairs if seen and name == session))
            for session in wanted
        }

    def origins(self, prefixes: Sequence[str], seconds: float) -> Mapping[str, frozenset[int]]:
        """The simulated collector hears no paths."""
        return {}

    def close(self) -> None:
        """Nothing to end: each question has a connection of its own."""

    def _ask(self, request: dict[str, object], end: float) -> dict[str, list[str]]:
        with socket.create_connection(self._address, seconds_until(end)) as line:
            line.settimeout(seconds_until(end))
            line.sendall((json.dumps(request) + "\n").encode())
            received = bytearray()
            while not received.endswith(b"\n"):
                line.settimeout(seconds_until(end))
                piece = line.recv(65536)
                received += piece
                if not piece or len(received) > LARGEST_ANSWER:
                    raise ConnectionError("the answer has no end")
        answer: dict[str, list[str]] = json.loads(received)
        return answer


def seconds_until(end: float) -> float:
    """Seconds left until `end` on the monotonic clock, never 0. Raises TimeoutError when it has passed."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the budget is spent")
    return seconds
