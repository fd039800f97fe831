"""How a lab that is up is now, asked of its daemons, its world and as a visitor; and the same in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from incidents.lab import collector, deploys, routes, talk, traffic
from incidents.lab.demo import CHECKOUT, PLACES, REGISTRY, WEB

Facts = dict[str, Any]


def of(facts: Facts) -> Facts:
    """The lab as it is now.

    Returns `kind`, `why` (of the routers), `parts` (as in lab.json), `processes` {name: pid}, `sessions` {location:
    up}, `visible` {prefix: [locations]}, `bound` {prefix: [locations]}, `pages` {location: {address, status, release}},
    `fronts` {location: {address, status}}, `origins` {name: {weight, mode, ready}}, `modes` {backend: mode} and
    `scenarios` (names of the damage done since it was last healed). A status is that of HTTP; 0 for no answer.
    """
    backends = talk.ask(facts["world"]["address"], op="status")["backends"]
    registry = backends[REGISTRY]["states"]
    seen = {place.name: routes.visible(facts, place.name) for place in PLACES}
    prefixes = [prefix.name for customer in routes.customers(facts) for prefix in customer.prefixes]
    pages, fronts = facts["repository"]["pages"], facts["balancer"]["fronts"]
    return {
        "kind": facts["kind"],
        "why": facts["why"],
        "parts": facts["parts"],
        "processes": {name: program["pid"] for name, program in facts["processes"].items()},
        "sessions": _sessions(facts),
        "visible": {prefix: [place for place in seen if prefix in seen[place]] for prefix in prefixes},
        "bound": {
            prefix: [place.name for place in PLACES if registry[f"{place.name}/{prefix}"].get("bound") is True]
            for prefix in prefixes
            if f"{PLACES[0].name}/{prefix}" in registry
        },
        "pages": {place: {"address": pages[place], **asdict(page)} for place, page in deploys.seen(facts).items()},
        "fronts": {place: {"address": fronts[place], "status": said} for place, said in traffic.seen(facts).items()},
        "origins": {name: asdict(origin) for name, origin in traffic.origins(facts).items()},
        "modes": {name: backend["mode"] for name, backend in backends.items()},
        "scenarios": facts["scenarios"],
    }


def report(status: Facts) -> list[str]:
    """The status in lines for people."""
    return [
        *parts_in_lines(status["parts"]),
        f"programs: {', '.join(f'{name} {pid}' for name, pid in status['processes'].items())}",
        f"damage: {', '.join(status['scenarios']) or 'none'}",
        *_routes(status),
        *(
            f"{CHECKOUT.title} in {place}: http://{page['address']}/ {_said(page['status'])}"
            + (f", release {page['release']}" if page["release"] else "")
            for place, page in status["pages"].items()
        ),
        *(
            f"{WEB.title} from {place}: http://{front['address']}/ {_said(front['status'])}"
            for place, front in status["fronts"].items()
        ),
        *(
            f"{name}: weight {origin['weight']}, {origin['mode']}, {'well' if origin['ready'] else 'fails its checks'}"
            for name, origin in status["origins"].items()
        ),
        *(f"{backend} is set to {mode}" for backend, mode in status["modes"].items() if mode != "ok"),
    ]


def parts_in_lines(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which parts are real, and why."""
    return [f"{name}: {'real' if part['real'] else 'simulated'} ({part['why']})" for name, part in parts.items()]


def _routes(status: Facts) -> Iterator[str]:
    down = [place for place, up in status["sessions"].items() if not up]
    yield f"sessions of the collector: {'all up' if not down else 'down: ' + ', '.join(down)}"
    everywhere = list(status["sessions"])
    hurt = 0
    for prefix, places in status["visible"].items():
        bound = status["bound"].get(prefix, everywhere)
        if places != everywhere or bound != everywhere:
            hurt += 1
            yield f"{prefix}: seen from {_names(places)}; bound at {_names(bound)}"
    yield f"{len(status['visible']) - hurt} of {len(status['visible'])} prefixes are seen and bound everywhere"


def _said(status: int) -> str:
    return f"answers {status}" if status else "does not answer"


def _names(places: Sequence[str]) -> str:
    return ", ".join(places) or "nowhere"


def _sessions(facts: Facts) -> dict[str, bool]:
    if facts["kind"] == "real":
        given = facts["collector"]
        up = collector.established(Path(given["socket"]))
        return {location: name in up for location, name in given["sessions"].items()}
    down = talk.ask(facts["world"]["address"], op="visible", questions=[])["down"]
    return {place.name: place.name not in down for place in PLACES}
