"""Adapters to test, and what to test them with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from incidents.adapters.gobgp import GoBgp
from incidents.adapters.simulated import Simulated
from incidents.domain.changes import Change, State
from incidents.lab import ports, processes, routers
from incidents.lab.edges import Edge
from incidents.lab.lab import Lab

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


def applied(lab: Lab) -> list[dict[str, object]]:
    """The ledger's entries of `apply`."""
    lines = Path(lab.facts()["world"]["ledger"]).read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["op"] == "apply"]
