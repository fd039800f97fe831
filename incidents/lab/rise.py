"""Brings the parts of a lab up: the world, and either real routers with a real collector or simulated ones."""

from __future__ import annotations

import hashlib
import json
import select
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.lab import collector, edges, ports, processes, routers
from incidents.lab.demo import PLACES, REGISTRY, SERVICE, Organization
from incidents.lab.edges import Edge
from incidents.lab.faults import LabFault
from incidents.lab.inventory import router
from incidents.lab.processes import Program

SECONDS = 20.0
# sun_path of unix(7) holds 108 bytes with the zero at its end.
LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be started, with all addresses chosen.

    Args:
        real: real daemons; `why` says why, or why not.
        control: `host:port` of the world; port 0 lets it choose.
        edges: the routers; of no meaning in a simulated lab.
    """

    directory: Path
    real: bool
    why: str
    control: str
    neighbours: str
    edges: tuple[Edge, ...]
    bird: Path

    @staticmethod
    def of(directory: Path, *, simulated: bool, port: int) -> Plan:
        """Raises LabFault when `port` is in use."""
        if port:
            ports.check_free("127.0.0.1", port)
        missing = [name for name in ("gobgpd", "bird") if _program(name) is None]
        neighbours = ports.neighbourhood()
        why = "gobgpd and bird are installed"
        if simulated:
            why = "asked for"
        elif missing:
            why = f"{' and '.join(missing)} not installed"
        elif not neighbours:
            why = "this system has no other loopback address than 127.0.0.1"
        real = not simulated and not missing and bool(neighbours)
        return Plan(
            directory=directory,
            real=real,
            why=why,
            control=f"127.0.0.1:{port}",
            neighbours=neighbours,
            edges=tuple(_edge(place.name, neighbours, number) for number, place in enumerate(PLACES, 1)),
            bird=_socket_path(directory),
        )


def start_world(plan: Plan, organizations: Sequence[Organization], token: str) -> tuple[Program, dict[str, Any]]:
    """Starts the world; returns it and where it listens."""
    file = plan.directory / "world.json"
    file.touch(0o600)
    file.write_text(json.dumps(_description(plan, organizations, token)))
    arguments = [sys.executable, "-m", "incidents.lab.world", str(file)]
    program = processes.start("world", arguments, plan.directory, answers=True)
    out = program.process.stdout
    if out is None or not select.select([out], [], [], SECONDS)[0]:
        processes.stop([program])
        raise LabFault("the world does not come up")
    line = out.readline()
    if not line:
        program.process.wait(SECONDS)
        processes.check_alive([program])
    listening: dict[str, Any] = json.loads(line)
    return program, listening


def start_routers(plan: Plan, running: list[Program]) -> None:
    """Starts the edges and the collector, and waits until all of its sessions are up.

    Args:
        running: programs are added here as they start, so that the caller can end them whatever happens.
    """
    host, port = _collector_address(plan)
    for edge in plan.edges:
        configuration = plan.directory / f"gobgpd-{edge.location}.toml"
        configuration.write_text(edges.configuration(edge, host, port))
        arguments = edges.arguments(_installed("gobgpd"), edge, configuration.name)
        running.append(processes.start(edge.location, arguments, plan.directory))
    plan.bird.unlink(missing_ok=True)
    (plan.directory / "bird.conf").write_text(collector.configuration(host, port, plan.edges))
    arguments = collector.arguments(_installed("bird"), "bird.conf", plan.bird)
    running.append(processes.start("collector", arguments, plan.directory))
    wanted = {collector.session(edge.location) for edge in plan.edges}
    end = time.monotonic() + SECONDS
    while not wanted <= collector.established(plan.bird):
        processes.check_alive(running)
        if time.monotonic() > end:
            raise LabFault(f"the routers and the collector do not meet; see the logs in {plan.directory}")
        time.sleep(0.02)
    for edge in plan.edges:
        routers.wait_ready(edge)


def _description(plan: Plan, organizations: Sequence[Organization], token: str) -> Mapping[str, object]:
    """What the world is told; see `world.World`."""
    prefixes = [prefix.name for organization in organizations for prefix in organization.prefixes]
    served = [
        prefix.name for organization in organizations for prefix in organization.prefixes if prefix.watched_by_tcp
    ]
    places = [(number, place.name) for number, place in enumerate(PLACES, 1)]
    bound = {f"{place}/{prefix}": {"bound": True, "service": SERVICE} for _, place in places for prefix in served}
    backends: dict[str, object] = {REGISTRY: {"states": bound, "token": token}}
    if not plan.real:
        absent = {prefix: {"advertised": False} for prefix in prefixes}
        backends |= {router(place): {"states": absent, "token": ""} for _, place in places}
    sessions = {place: collector.session(place) for _, place in places}
    return {
        "control": plan.control,
        "ledger": str(plan.directory / "ledger.jsonl"),
        "backends": backends,
        "routers": {} if plan.real else {place: router(place) for _, place in places},
        "bird": {"socket": str(plan.bird), "sessions": sessions} if plan.real else None,
        "registry": REGISTRY,
        "services": [
            {"location": place, "prefix": prefix, "host": ports.host(plan.neighbours, number)}
            for number, place in places
            for prefix in served
        ],
    }


def _edge(location: str, neighbours: str, number: int) -> Edge:
    host = ports.host(neighbours, number)
    return Edge(location, host, ports.free_port(host), ports.free_port(host))


def _collector_address(plan: Plan) -> tuple[str, int]:
    host = ports.host(plan.neighbours, 100)
    return host, ports.free_port(host)


def _program(name: str) -> str | None:
    # Debian puts daemons where a normal user's PATH does not lead.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def _installed(name: str) -> str:
    program = _program(name)
    if program is None:
        raise LabFault(f"{name} is not installed")
    return program


def _socket_path(directory: Path) -> Path:
    path = directory / "bird.ctl"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    mark = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"handrail-lab-{mark}.ctl"
