"""Is exactly this prefix in a route collector's table, as told from that location?"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.probes.bird import SESSION, Bird
from incidents.probes.collectors import Collector, Simulated
from incidents.probes.gobgp_collector import GoBgp
from incidents.wire.settings import Settings, endpoint, fault

SETTINGS = {
    "bird": frozenset({"collector", "socket", "locations"}),
    "gobgp": frozenset({"collector", "address", "locations"}),
    "simulated": frozenset({"collector", "address", "locations"}),
}

IN_TABLE = Reading(Mark.PASS, detail="in the collector's table")
NOT_IN_TABLE = Reading(Mark.FAIL, detail="not in the collector's table")
# The table is empty then whatever the routers announce, so it proves nothing about the prefix.
SESSION_DOWN = Reading(Mark.INCONCLUSIVE, detail="the collector's session with this location is down")
NO_SESSION = Reading(Mark.ERROR, detail="the collector has no session with this location")
NO_PREFIX = Reading(Mark.ERROR, detail="this is no prefix")


class Route:
    """A `Probe` over one collector.

    Args:
        name: slug of the probe, for messages.
        collector: where the table is.
        sessions: {slug of a location: what the collector calls its session with it}.
        budget_seconds: the longest that one round may take.
    """

    def __init__(self, *, name: str, collector: Collector, sessions: Mapping[str, str], budget_seconds: float) -> None:
        self._name, self._collector, self._sessions, self._budget = name, collector, sessions, budget_seconds

    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed. There are no secret ones."""
        kind = Settings(settings).choice("collector", tuple(SETTINGS))
        given = Settings.of(settings, SETTINGS[kind])
        sessions = given.names("locations")
        return cls(
            name=name,
            collector=_collector(kind, given, sessions),
            sessions=sessions,
            budget_seconds=budget_seconds,
        )

    def measure(self, points: Sequence[Point]) -> Mapping[int, Reading]:
        readings: dict[int, Reading] = {}
        asked: dict[str, dict[str, list[int]]] = {}
        for point in points:
            session = self._sessions.get(point.location)
            prefix = _canonical(point.prefix)
            if session is None:
                readings[point.id] = NO_SESSION
            elif prefix is None:
                readings[point.id] = NO_PREFIX
            else:
                asked.setdefault(session, {}).setdefault(prefix, []).append(point.id)
        if not asked:
            return readings
        views = self._collector.views({session: list(wanted) for session, wanted in asked.items()}, self._budget)
        for session, wanted in asked.items():
            view = views.get(session)
            for prefix, ids in wanted.items():
                reading = NO_SESSION if view is None else SESSION_DOWN if not view.up else NOT_IN_TABLE
                if view is not None and prefix in view.seen:
                    reading = IN_TABLE
                readings.update(dict.fromkeys(ids, reading))
        return readings

    def origins(self, prefixes: Sequence[str]) -> Mapping[str, frozenset[int]]:
        known = {prefix: canonical for prefix in prefixes if (canonical := _canonical(prefix)) is not None}
        if not known:
            return {}
        heard = self._collector.origins(list(known.values()), self._budget)
        return {prefix: heard.get(canonical, frozenset()) for prefix, canonical in known.items()}

    def close(self) -> None:
        self._collector.close()


def _collector(kind: str, given: Settings, sessions: Mapping[str, str]) -> Collector:
    if kind == "bird":
        for name in sessions.values():
            if not SESSION.fullmatch(name):
                raise fault("locations", f"{name!r} is no name of a protocol in BIRD")
        return Bird(given.text("socket"))
    address = given.text("address")
    try:
        host, port = endpoint(address)
    except ValueError:
        raise fault("address", f"{address!r} must be a numeric host:port") from None
    if kind == "simulated":
        return Simulated(host, port)
    for name in sessions.values():
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise fault("locations", f"{name!r} is no address of a neighbour") from None
    return GoBgp(address)


def _canonical(prefix: str) -> str | None:
    try:
        return str(ipaddress.ip_network(prefix))
    except ValueError:
        return None
