"""The same work by hand: calls to the routers and look-ups in the collector, with neither console nor audit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import grpc

from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.adapters.gobgp_api.gobgp_pb2_grpc import GobgpApiStub
from incidents.lab import collector, routers, routes
from incidents.lab.edges import Route
from incidents.lab.lab import Lab

BATCH = 100


class Routers:
    """The three routers over connections that stay open, as an operator's script would keep them."""

    def __init__(self, lab: Lab) -> None:
        self.facts = lab.facts()
        self._stubs = {
            place: GobgpApiStub(grpc.insecure_channel(edge["api"]))  # type: ignore[no-untyped-call]
            for place, edge in self.facts["edges"].items()
        }
        self._socket = Path(self.facts["collector"]["socket"])
        self._sessions = self.facts["collector"]["sessions"]

    def routes(self, names: Sequence[str]) -> list[Route]:
        wanted = set(names)
        return [route for route in routes.routes_of(self.facts) if route.prefix in wanted]

    def withdraw(self, routes: list[Route]) -> None:
        """At every edge, and waits until the collector has none of them."""
        for edge in self.facts["edges"].values():
            routers.withdraw(edge["api"], routes)
        names = {route.prefix for route in routes}
        while any(names & collector.table(self._socket, session) for session in self._sessions.values()):
            time.sleep(0.01)

    def add_one_by_one(self, routes: list[Route]) -> None:
        """`AddPath` at each edge, then look-ups until the collector has it from each."""
        for stub in self._stubs.values():
            for route in routes:
                stub.AddPath(api.AddPathRequest(table_type=api.GLOBAL, path=routers.path_of(route)))
        for session in self._sessions.values():
            for route in routes:
                while not collector.sees(self._socket, session, route.prefix):
                    time.sleep(0.001)

    def add_by_stream(self, routes: list[Route]) -> None:
        """`AddPathStream` at each edge, with the same paths."""
        paths = [routers.path_of(route) for route in routes]
        for stub in self._stubs.values():
            messages = (
                api.AddPathStreamRequest(table_type=api.GLOBAL, paths=paths[start : start + BATCH])
                for start in range(0, len(paths), BATCH)
            )
            stub.AddPathStream(messages)

    def wait_for_all(self, routes: list[Route]) -> None:
        """Until the collector has all of them from every edge."""
        names = {route.prefix for route in routes}
        while not all(names <= collector.table(self._socket, session) for session in self._sessions.values()):
            time.sleep(0.005)
