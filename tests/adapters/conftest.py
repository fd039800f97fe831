"""Routers and worlds for the tests of adapters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from incidents.adapters.base import Adapter
from incidents.adapters.gobgp import GoBgp
from incidents.adapters.simulated import Simulated
from incidents.domain.changes import Change, State
from incidents.lab import ports, processes, routers
from incidents.lab.edges import Edge
from incidents.lab.lab import Lab
from tests.fakes.gobgp import FakeGoBgp
from tests.lab_fixtures import need

ABSENT: State = {"advertised": False}
ROUTE: State = {
    "advertised": True,
    "next_hop": "192.0.2.1",
    "as_path": [64496],
    "origin": "igp",
    "communities": ["64496:100"],
    "large_communities": [],
    "med": None,
    "local_pref": None,
}


def change(key: str, after: State, before: State = ABSENT) -> Change:
    return Change("r", key, "edge-a", "router-edge-a", "b", "route", key, before, after)


def gobgp(
    address: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> GoBgp:
    return GoBgp.from_settings(
        name="router-edge-a",
        settings={"address": address, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def simulated(
    address: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> Simulated:
    return Simulated.from_settings(
        name="registry",
        settings={"address": address, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def read_reference(reference: str) -> str:
    """As the inventory does it, for files."""
    return Path(reference.removeprefix("file:")).read_text()


@dataclass(frozen=True, slots=True)
class Subject:
    """One adapter kind under the contract.

    Args:
        address: of a healthy backend that knows `keys`.
        make: an adapter for an address, keys and a budget.
        states: two different ones that can be written, and one that can be put back in place of both.
        effects: how often the backend was asked to change something, where it counts; -1 where it does not.
    """

    address: str
    keys: tuple[str, ...]
    states: tuple[State, State]
    nothing: State
    make: Callable[..., Adapter]
    settings: Mapping[str, object]
    effects: Callable[[], int]

    def adapter(self, budget_seconds: float = 3) -> Adapter:
        return self.make(self.address, self.keys, budget_seconds, self.settings)


def start_gobgpd(directory: Path, name: str = "router") -> tuple[Edge, processes.Program]:
    """A gobgpd without neighbours. The caller ends it."""
    edge = Edge(name, "127.0.0.1", ports.free_port("127.0.0.1"), ports.free_port("127.0.0.1"))
    configuration = directory / f"{name}.toml"
    configuration.write_text(
        f'[global.config]\nas = 64512\nrouter-id = "127.0.0.1"\nport = {edge.bgp_port}\n'
        'local-address-list = ["127.0.0.1"]\n'
    )
    arguments = ["gobgpd", "-f", str(configuration), f"--api-hosts={edge.api}", "--pprof-disable", "-l", "warn"]
    program = processes.start(name, arguments, directory)
    routers.wait_ready(edge)
    return edge, program


@pytest.fixture(scope="session")
def gobgpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the gRPC interface of a real router."""
    need("gobgpd")
    edge, program = start_gobgpd(tmp_path_factory.mktemp("gobgpd"))
    yield edge.api
    processes.stop([program])


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A simulated lab whose `registry` is the backend under test."""
    with Lab(tmp_path_factory.mktemp("world"), simulated=True) as lab:
        yield lab


@pytest.fixture
def fake() -> Iterator[FakeGoBgp]:
    server = FakeGoBgp().start()
    yield server
    server.stop()


@pytest.fixture(params=["gobgp", "gobgp, IPv6", "simulated"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "simulated":
        return registry_of(request.getfixturevalue("world"))
    address: str = request.getfixturevalue("gobgpd")
    if request.param == "gobgp":
        keys: tuple[str, ...] = ("203.0.113.0/24", "198.51.100.0/24")
        one, other = ROUTE, {**ROUTE, "as_path": [64496, 64496], "local_pref": 120}
    else:
        keys = ("2001:db8:100::/48", "2001:db8:200::/48")
        one, other = {**ROUTE, "next_hop": "2001:db8::1"}, {**ROUTE, "next_hop": "2001:db8::2", "med": 5}
    return Subject(address, keys, (one, other), ABSENT, gobgp, {}, lambda: -1)


def registry_of(lab: Lab) -> Subject:
    facts = lab.facts()
    one: State = {"bound": True, "service": "edge-cdn"}
    other: State = {"bound": True, "service": "other"}
    return Subject(
        address=facts["world"]["address"],
        keys=("edge-a/203.0.113.0/24", "edge-b/203.0.113.0/24"),
        states=(one, other),
        nothing={"bound": False},
        make=simulated,
        settings={"token": f"file:{lab.directory}/passwords/registry-token"},
        effects=lambda: len(applied(lab)),
    )


def applied(lab: Lab) -> list[dict[str, object]]:
    """The ledger's entries of `apply`."""
    lines = Path(lab.facts()["world"]["ledger"]).read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["op"] == "apply"]
