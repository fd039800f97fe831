"""Does the name lead to where it should? A name server is asked, and what it leads to is visited as users would."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, Self

from incidents.domain.verdicts import Mark, Reading
from incidents.probes import visits
from incidents.probes.base import Point
from incidents.probes.visits import LOCAL_TROUBLE, NO_ADDRESS, NO_TURN, Page
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings, endpoint, fault

SETTINGS = visits.SETTINGS | {"name", "type", "port"}
TYPES = ("A", "AAAA")
# RFC 1035 section 2.3.4: 255 octets on the wire, which are 253 letters without the final dot.
LONGEST_NAME = 253
# Of a set with more addresses the first ones are visited.
MOST_VISITS = 16


class Question(Protocol):
    """What name servers are asked; see `name_dns`."""

    def ask(self, host: str, port: int, deadline: Deadline) -> tuple[Sequence[str], str]:
        """Every address that the name leads to, and what is wrong where there is none. Raises OSError."""


class Name:
    """A `Probe`; all points of a batch at the same time, within one budget.

    Args:
        name: slug of the probe, for messages.
        question: what a name server is asked.
        page: what is asked for at each address that it names.
        port: where.
        budget_seconds: the longest that one round may take, asking and visiting together.
    """

    def __init__(self, *, name: str, question: Question, page: Page, port: int, budget_seconds: float) -> None:
        self._name, self._question, self._page, self._port = name, question, page, port
        self._budget = budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed; see docs/probes.md."""
        # Here and not above: dnspython is for workers that have such a probe.
        from incidents.probes.name_dns import AddressQuestion

        given = Settings.of(settings, SETTINGS)
        given.text("name")
        asked = visits.matching(given, "name", r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9_-]{0,63}", "a name of the DNS")
        asked = asked.lower().removesuffix(".")
        if len(asked) > LONGEST_NAME:
            raise fault("name", f"must be a name of the DNS, of at most {LONGEST_NAME} letters")
        page = Page.of(given, secret, asked)
        return cls(
            name=name,
            question=AddressQuestion.of(asked, given.choice("type", TYPES, default="A")),
            page=page,
            port=visits.number(given, "port", 1, 65535, default=443 if page.tls else 80),
            budget_seconds=budget_seconds,
        )

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        deadline = Deadline(self._budget)
        return visits.look_at_all(points, lambda point: self._look(point.address, deadline))

    def close(self) -> None:
        """Nothing to end: sockets live for one look."""

    def _look(self, address: str, deadline: Deadline) -> Reading:
        try:
            host, port = endpoint(address)
        except ValueError:
            return NO_ADDRESS
        try:
            deadline.left()
        except TimeoutError:
            return NO_TURN
        began = time.monotonic()
        try:
            found, wrong = self._question.ask(host, port, deadline)
        except OSError as error:
            return _unanswered(error)
        if wrong:
            return Reading(Mark.FAIL, -1, wrong)
        asked = visits.since(began)
        reading = self._visit(found, deadline)
        return replace(reading, milliseconds=asked + reading.milliseconds) if reading.milliseconds >= 0 else reading

    def _visit(self, addresses: Sequence[str], deadline: Deadline) -> Reading:
        """Users are spread over all of them, so that each must be right; the first wrong one is the reading."""
        slowest = 0
        for address in addresses[:MOST_VISITS]:
            if not _is_of_a_machine(address):
                return Reading(Mark.FAIL, -1, "found, but it leads to no address of a machine")
            reading = self._page.visit(address, self._port, 1, deadline)
            if reading == LOCAL_TROUBLE:
                return reading
            if reading.mark is not Mark.PASS:
                return replace(reading, detail=f"found, but {reading.detail}")
            slowest = max(slowest, reading.milliseconds)
        return Reading(Mark.PASS, slowest, "found and answered")


def _unanswered(error: OSError) -> Reading:
    """What it means that no answer came."""
    if visits.is_ours(error):
        return LOCAL_TROUBLE
    if isinstance(error, TimeoutError):
        return Reading(Mark.FAIL, -1, "the name server did not answer in time")
    if isinstance(error, ConnectionError):
        return Reading(Mark.FAIL, -1, "the name server cannot be asked")
    return Reading(Mark.FAIL, -1, "no way to the name server")


def _is_of_a_machine(address: str) -> bool:
    """Whether one can go there at all. To connect to `0.0.0.0` would be to visit ourselves."""
    ip = ipaddress.ip_address(address)
    return not (ip.is_unspecified or ip.is_multicast or ip == ipaddress.IPv4Address("255.255.255.255"))
