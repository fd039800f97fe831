"""Does the service answer rightly through that location? A page that is asked for says so, as its users would ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.domain.verdicts import Reading
from incidents.probes import visits
from incidents.probes.base import Point
from incidents.probes.visits import NO_ADDRESS, NO_TURN, Page
from incidents.wire.deadline import Deadline
from incidents.wire.settings import Settings, endpoint

SETTINGS = visits.SETTINGS | {"host", "requests"}
MOST_REQUESTS = 20


class Http:
    """A `Probe`; all points of a batch at the same time, within one budget.

    Args:
        name: slug of the probe, for messages.
        page: what is asked for.
        requests: how many must be answered rightly, each on a connection of its own, for a balancer spreads them.
        budget_seconds: the longest that one round may take.
    """

    def __init__(self, *, name: str, page: Page, requests: int, budget_seconds: float) -> None:
        self._name, self._page, self._requests, self._budget = name, page, requests, budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown or ill-typed; see docs/probes.md."""
        given = Settings.of(settings, SETTINGS)
        host = visits.matching(given, "host", r"([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?", "a host, or host:port")
        page = Page.of(given, secret, host)
        requests = visits.number(given, "requests", 1, MOST_REQUESTS, default=1)
        return cls(name=name, page=page, requests=requests, budget_seconds=budget_seconds)

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        deadline = Deadline(self._budget)
        return visits.look_at_all(points, lambda point: self._look(point.address, deadline))

    def close(self) -> None:
        """Nothing to end: connections live for one request."""

    def _look(self, address: str, deadline: Deadline) -> Reading:
        try:
            host, port = endpoint(address)
        except ValueError:
            return NO_ADDRESS
        try:
            deadline.left()
        except TimeoutError:
            return NO_TURN
        return self._page.visit(host, port, self._requests, deadline)
