"""Brings up the name server of the shop, or tells the world to play it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from incidents.lab import files, nameserver, parts, ports, processes
from incidents.lab.demo import DNS, PLACES, WWW
from incidents.lab.faults import LabFault
from incidents.lab.plan import Plan
from incidents.lab.processes import Program

SECONDS = 20.0
PROGRAM = "nameserver"


def backends(plan: Plan) -> dict[str, object]:
    """The simulated one; see `world.World`."""
    states = {WWW.key: nameserver.state(plan.home["right"])}
    return {} if plan.nameserver.real else {DNS: {"states": states, "token": ""}}


def playing(plan: Plan) -> dict[str, object]:
    """What the world plays of it; see `playing.listen`."""
    names = [
        {"location": place.name, "host": plan.host(place.name), "backend": DNS, "zone": WWW.zone} for place in PLACES
    ]
    # Where a system has one address alone, nobody may listen at the other.
    wrong = plan.home["wrong"] if plan.neighbours else ""
    return {"names": [] if plan.nameserver.real else names, "home": {"right": plan.home["right"], "wrong": wrong}}


def start(plan: Plan, api_key: Path, running: list[Program]) -> dict[str, Any]:
    """Starts a real one; `hear` waits for it. Returns where it is, for `hear`; nothing where it is played.

    Args:
        running: the program is added here, so that the caller can end it whatever happens.
    """
    if not plan.nameserver.real:
        return {}
    servers = {}
    for place in PLACES:
        host = plan.host(place.name)
        servers[place.name] = f"{host}:{ports.free_port_of_both(host)}"
    api = plan.host(PLACES[0].name)
    port = ports.free_port(api)
    nameserver.prepare(plan.directory, plan.home["right"])
    plan.pdns.mkdir(mode=0o700, exist_ok=True)
    text = nameserver.configuration(plan.directory, plan.pdns, list(servers.values()), (api, port), api_key.read_text())
    files.replace(plan.directory / nameserver.CONFIGURATION, text)
    arguments = nameserver.arguments(parts.installed("pdns_server"), plan.directory)
    running.append(processes.start(PROGRAM, arguments, plan.directory))
    return {"kind": "powerdns", "servers": servers, "url": f"http://{api}:{port}", "api_key": str(api_key)}


def hear(plan: Plan, started: Mapping[str, Any], played: Mapping[str, Any], running: list[Program]) -> dict[str, Any]:
    """Waits for what `start` started. Returns `nameserver` of lab.json.

    Args:
        played: what the world said of where it listens.

    Raises LabFault.
    """
    home = {**plan.home, "port": played["home"]}
    found = {"kind": "simulated", "backend": DNS, "home": home, "servers": played["names"], **started}
    if started:
        _wait(next(program for program in running if program.name == PROGRAM), started)
    return {"nameserver": found}


def _wait(program: Program, started: Mapping[str, Any]) -> None:
    key = Path(started["api_key"]).read_text()
    end = time.monotonic() + SECONDS
    while not nameserver.answers(started["url"], key):
        if program.process.poll() is not None and "ddress already in use" in program.log.read_text(errors="replace"):
            raise LabFault("the name server found a port already in use")
        processes.check_alive([program])
        if time.monotonic() > end:
            raise LabFault(f"the name server does not come up; see {program.log}")
        time.sleep(0.02)
