"""Brings up the world, and either real routers with a real collector or simulated ones."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from incidents.lab import collector, edges, naming, ports, processes, routers, shop
from incidents.lab.demo import PLACES, REGISTRY, SERVICE, Organization
from incidents.lab.faults import LabFault
from incidents.lab.inventory import router
from incidents.lab.parts import installed
from incidents.lab.plan import Plan
from incidents.lab.processes import Program

SECONDS = 20.0


def start_world(plan: Plan, organizations: Sequence[Organization], token: str, key_file: Path) -> Program:
    """Starts the world; `processes.hear` says where it listens.

    Args:
        token: of the registry.
        key_file: the private key of the sign-in.
    """
    file = plan.directory / "world.json"
    file.touch(0o600)
    file.write_text(json.dumps(_description(plan, organizations, token, key_file)))
    arguments = [sys.executable, "-m", "incidents.lab.world", str(file)]
    return processes.start("world", arguments, plan.directory, answers=True)


def start_routers(plan: Plan, running: list[Program]) -> None:
    """Starts the edges and the collector, and waits until all of its sessions are up.

    Args:
        running: programs are added here as they start, so that the caller can end them whatever happens.
    """
    host, port = _collector_address(plan)
    for edge in plan.edges:
        configuration = plan.directory / f"gobgpd-{edge.location}.toml"
        configuration.write_text(edges.configuration(edge, host, port))
        arguments = edges.arguments(installed("gobgpd"), edge, configuration.name)
        running.append(processes.start(edge.location, arguments, plan.directory))
    plan.bird.unlink(missing_ok=True)
    (plan.directory / "bird.conf").write_text(collector.configuration(host, port, plan.edges))
    arguments = collector.arguments(installed("bird"), "bird.conf", plan.bird)
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


def _description(plan: Plan, organizations: Sequence[Organization], token: str, key_file: Path) -> Mapping[str, object]:
    """What the world is told; see `world.World`."""
    prefixes = [prefix.name for organization in organizations for prefix in organization.prefixes]
    served = [
        prefix.name for organization in organizations for prefix in organization.prefixes if prefix.watched_by_tcp
    ]
    places = [(number, place.name) for number, place in enumerate(PLACES, 1)]
    bound = {f"{place}/{prefix}": {"bound": True, "service": SERVICE} for _, place in places for prefix in served}
    backends: dict[str, object] = {REGISTRY: {"states": bound, "token": token}}
    if not plan.routers.real:
        absent = {prefix: {"advertised": False} for prefix in prefixes}
        backends |= {router(place): {"states": absent, "token": ""} for _, place in places}
    backends |= shop.backends(plan, key_file) | naming.backends(plan)
    sessions = {place: collector.session(place) for _, place in places}
    return {
        "control": plan.control,
        "ledger": str(plan.directory / "ledger.jsonl"),
        "backends": backends,
        "routers": {} if plan.routers.real else {place: router(place) for _, place in places},
        "bird": {"socket": str(plan.bird), "sessions": sessions} if plan.routers.real else None,
        "registry": REGISTRY,
        "services": [
            {"location": place, "prefix": prefix, "host": ports.host(plan.neighbours, number)}
            for number, place in places
            for prefix in served
        ],
        "playing": {**shop.playing(plan, key_file), **naming.playing(plan)},
    }


def _collector_address(plan: Plan) -> tuple[str, int]:
    host = ports.host(plan.neighbours, 100)
    return host, ports.free_port(host)
