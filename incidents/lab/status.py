"""How a lab that is up is now, asked of its daemons, its world and as a visitor; and the same in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from incidents.lab import collector, deploys, names, published, routes, talk, traffic
from incidents.lab.demo import CHECKOUT, GATE, PLACES, REGISTRY, SIGN_IN, WEB, WWW

Facts = dict[str, Any]


def of(facts: Facts) -> Facts:
    """The lab as it is now.

    Returns `kind`, `why` (of the routers), `parts` (as in lab.json), `processes` {name: pid}, `sessions` {location:
    up}, `visible` {prefix: [locations]}, `bound` {prefix: [locations]}, `pages` {location: {address, status, release}},
    `fronts`, `gates` and `sign_ins` {location: {address, status}}, `origins` {name: {weight, mode, ready}}, `names`
    {location: {server, addresses, status, ours}}, `modes` {backend: mode} and `scenarios` (names of the damage done
    since it was last healed). A status is that of HTTP; 0 for no answer.
    """
    backends = talk.ask(facts["world"]["address"], op="status")["backends"]
    registry = backends[REGISTRY]["states"]
    seen = {place.name: routes.visible(facts, place.name) for place in PLACES}
    prefixes = [prefix.name for customer in routes.customers(facts) for prefix in customer.prefixes]
    pages, servers = facts["repository"]["pages"], facts["nameserver"]["servers"]
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
        "fronts": _statuses(facts["balancer"]["fronts"], traffic.seen(facts)),
        "gates": _statuses(facts["repository"]["gates"], published.gates(facts)),
        "sign_ins": _statuses(facts["repository"]["sign_ins"], published.sign_ins(facts)),
        "origins": {name: asdict(origin) for name, origin in traffic.origins(facts).items()},
        "names": {place: {"server": servers[place], **asdict(led)} for place, led in names.seen(facts).items()},
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
            f"{title}{place}: http://{one['address']}/ {_said(one['status'])}"
            for title, kind in _VISITED
            for place, one in status[kind].items()
        ),
        *(f"{WWW.title} from {place} ({one['server']}): {_led(one)}" for place, one in status["names"].items()),
        *(
            f"{name}: weight {origin['weight']}, {origin['mode']}, {'well' if origin['ready'] else 'fails its checks'}"
            for name, origin in status["origins"].items()
        ),
        *(f"{backend} is set to {mode}" for backend, mode in status["modes"].items() if mode != "ok"),
    ]


# What is visited at every location, beside the page that is deployed there.
_VISITED = (
    (f"{WEB.title} from ", "fronts"),
    (f"{GATE.title} in ", "gates"),
    (f"{SIGN_IN.title} in ", "sign_ins"),
)


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


def _led(one: Mapping[str, Any]) -> str:
    if not one["addresses"]:
        return "leads nowhere"
    whose = " and is not ours" if one["status"] and not one["ours"] else ""
    return f"leads to {', '.join(one['addresses'])}, which {_said(one['status'])}{whose}"


def _statuses(addresses: Mapping[str, str], statuses: Mapping[str, int]) -> dict[str, Facts]:
    return {place: {"address": addresses[place], "status": said} for place, said in statuses.items()}


def _names(places: Sequence[str]) -> str:
    return ", ".join(places) or "nowhere"


def _sessions(facts: Facts) -> dict[str, bool]:
    if facts["kind"] == "real":
        given = facts["collector"]
        up = collector.established(Path(given["socket"]))
        return {location: name in up for location, name in given["sessions"].items()}
    down = talk.ask(facts["world"]["address"], op="visible", questions=[])["down"]
    return {place.name: place.name not in down for place in PLACES}
