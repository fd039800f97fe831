"""Brings up what serves the shop: repository and deployer, balancer and origins; or tells the world to play them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from incidents.lab import balancer, files, parts, policies, ports, processes, releases, signing, traffic
from incidents.lab.balancer import USUAL_WEIGHT
from incidents.lab.demo import (
    BALANCER,
    CHECKOUT,
    GATE,
    KEYSETS,
    PLACES,
    POLICIES,
    REPOSITORY,
    SIGN_IN,
    WEB,
    Place,
)
from incidents.lab.faults import LabFault
from incidents.lab.plan import Plan
from incidents.lab.processes import Program
from incidents.lab.releases import GOOD, RELEASES, Files
from incidents.lab.repository import BRANCH, Repository
from incidents.lab.web import Answer

SECONDS = 20.0
# Last parts of the addresses of the origins; the edges have 1, 2, 3 and the collector 100.
FIRST_ORIGIN = 11


def backends(plan: Plan, key_file: Path) -> dict[str, object]:
    """The simulated ones; see `world.World`.

    Args:
        key_file: the private key of the sign-in.
    """
    found: dict[str, object] = {}
    if not plan.repository.real:
        labels = {tree: release.message for release in RELEASES for tree in releases.trees(release).values()}
        states: dict[str, object] = {key: {"tree": tree} for key, tree in releases.trees(GOOD).items()}
        found[REPOSITORY] = {"states": states, "token": "", "labels": labels}
        found |= _documents(key_file)
    if not plan.balancer.real:
        states = {WEB.key(place): traffic.state(USUAL_WEIGHT, ready=True) for place in PLACES}
        found[BALANCER] = {"states": states, "token": ""}
    return found


def playing(plan: Plan, key_file: Path) -> dict[str, object]:
    """The pages that the world plays; see `playing.listen`."""
    deployed: list[object] = []
    balanced: list[object] = []
    gates: list[object] = []
    sign_ins: list[object] = []
    for place in PLACES:
        where = {"location": place.name, "host": plan.host(place.name)}
        if not plan.repository.real:
            pages = {releases.tree(files): astuple(page) for files, page in _pages(place)}
            deployed.append({**where, "backend": REPOSITORY, "key": CHECKOUT.key(place), "pages": pages})
            gates.append({**where, "backend": POLICIES, "key": GATE.key(place)})
            sign_ins.append({**where, "backend": KEYSETS, "key": SIGN_IN.key(place)})
        if not plan.balancer.real:
            balanced.append({**where, "backend": BALANCER, "keys": [WEB.key(place) for place in PLACES]})
    pages_of_all = {"deployed": deployed, "balanced": balanced, "gates": gates, "sign_ins": sign_ins}
    return {**pages_of_all, "key_file": str(key_file)}


def start(plan: Plan, key_file: Path, running: list[Program]) -> None:
    """Starts what needs nobody else; `hear` waits for it.

    Args:
        key_file: the private key of the sign-in.
        running: programs are added here as they start, so that the caller can end them whatever happens.
    """
    if plan.balancer.real:
        failing = plan.directory / "failing"
        failing.mkdir(exist_ok=True)
        for mark in failing.iterdir():
            mark.unlink()
        origins = [
            {"name": place.origin, "host": ports.host(plan.neighbours, number)}
            for number, place in enumerate(PLACES, FIRST_ORIGIN)
        ]
        running.append(_start(plan, "origins", {"failing": str(failing), "origins": origins}))
    if plan.repository.real:
        git = parts.installed("git")
        Repository(_repository(plan), git).prepare(_history(key_file))
        given = {"git": git, "repository": str(_repository(plan)), "branch": BRANCH, "key_file": str(key_file)}
        running.append(_start(plan, "deployer", {**given, "places": [_place(plan, place) for place in PLACES]}))


def hear(plan: Plan, played: Mapping[str, Any], key_file: Path, running: list[Program]) -> dict[str, Any]:
    """Waits for what `start` started, and starts the balancer. Returns `repository` and `balancer` of lab.json.

    Args:
        played: what the world said of where it listens.
    """
    by_name = {program.name: program for program in running}
    pages = {"pages": played["deployed"], "gates": played["gates"], "sign_ins": played["sign_ins"]}
    repository: dict[str, Any] = {"kind": "simulated", "backend": REPOSITORY, **pages, "key_file": str(key_file)}
    if plan.repository.real:
        where = {"url": str(_repository(plan)), "branch": BRANCH}
        repository |= {"kind": "git", **where, **processes.hear(by_name["deployer"])}
    front: dict[str, Any] = {"kind": "simulated", "backend": BALANCER, "fronts": played["balanced"]}
    if plan.balancer.real:
        origins = processes.hear(by_name["origins"])
        front |= {"kind": "haproxy", "origins": origins, **_start_balancer(plan, origins, running)}
        front["failing"] = str(plan.directory / "failing")
    return {"repository": repository, "balancer": front}


def _start_balancer(plan: Plan, origins: Mapping[str, str], running: list[Program]) -> dict[str, Any]:
    """Starts HAProxy, and waits until it answers. Raises LabFault."""
    fronts = {place.name: (plan.host(place.name), ports.free_port(plan.host(place.name))) for place in PLACES}
    state_file = plan.directory / "haproxy.state"
    files.replace(state_file, "1\n")  # what it held is of another life, when the origins had other ports
    plan.haproxy.unlink(missing_ok=True)
    file = plan.directory / "haproxy.cfg"
    file.write_text(balancer.configuration(plan.haproxy, state_file, fronts, origins))
    program = processes.start("balancer", balancer.arguments(parts.installed("haproxy"), file.name), plan.directory)
    running.append(program)
    end = time.monotonic() + SECONDS
    while True:
        try:
            balancer.origins(str(plan.haproxy))
            break
        except LabFault:
            _check_alive(program)
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
    addresses = {location: f"{host}:{port}" for location, (host, port) in fronts.items()}
    return {"socket": str(plan.haproxy), "state_file": str(state_file), "fronts": addresses}


def _check_alive(program: Program) -> None:
    """Raises LabFault. HAProxy says first what is wrong, and last only that it gives up."""
    if program.process.poll() is not None:
        words = program.log.read_text(errors="replace")
        if "already in use" in words:
            raise LabFault("the balancer found a port already in use")
        processes.check_alive([program])


def _start(plan: Plan, name: str, given: Mapping[str, object]) -> Program:
    """Starts one of our own programs, which is told what to do by a file."""
    file = plan.directory / f"{name}.json"
    file.write_text(json.dumps(given))
    arguments = [sys.executable, "-m", f"incidents.lab.{name}", str(file)]
    return processes.start(name, arguments, plan.directory, answers=True)


def _place(plan: Plan, place: Place) -> dict[str, str]:
    """What the deployer serves at a location."""
    paths = {"folder": CHECKOUT.key(place), "policy": GATE.key(place), "keys": SIGN_IN.key(place)}
    return {"location": place.name, "host": plan.host(place.name), **paths}


def _history(key_file: Path) -> list[tuple[str, Files]]:
    """The first policies and public keys: messages, and {path: content}."""
    keys = signing.right_set(signing.read_private(key_file))
    written = ((policies.MESSAGE, policies.texts()), (signing.MESSAGE, keys))
    return [(message, {path: text.encode() for path, text in texts.items()}) for message, texts in written]


def _documents(key_file: Path) -> dict[str, object]:
    """The simulated backends of the documents; a document is called by the message that it came with."""
    keys, wrong = signing.right_set(signing.read_private(key_file)), signing.wrong_set()
    said = dict.fromkeys(policies.texts().values(), policies.MESSAGE)
    said |= dict.fromkeys(policies.texts(()).values(), policies.BROKEN_MESSAGE)
    counted = dict.fromkeys([*keys.values(), *wrong.values()], "1 key")
    return {
        POLICIES: {"states": _states(policies.texts()), "token": "", "labels": said},
        KEYSETS: {"states": _states(keys), "token": "", "labels": counted},
    }


def _states(texts: Mapping[str, str]) -> dict[str, object]:
    return {path: {"document": text} for path, text in texts.items()}


def _pages(place: Place) -> Iterator[tuple[Files, Answer]]:
    """The files of every release at a location, and the page that they make."""
    for release in RELEASES:
        files = release.files(place)
        settings = files[releases.SETTINGS]
        yield files, releases.page(settings, files.get(releases.template_of(settings)))


def _repository(plan: Plan) -> Path:
    return plan.directory / "shop.git"
