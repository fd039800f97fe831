"""Breaks and heals the routes of a lab, in its daemons or in the world, and the bindings of what is behind them.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from incidents.lab import collector, routers, talk
from incidents.lab.demo import PLACES, REGISTRY, SERVICE, Organization, organizations
from incidents.lab.edges import Route
from incidents.lab.scenarios import Withdrawal
from incidents.lab.waiting import wait

Facts = dict[str, Any]


def customers(facts: Facts) -> tuple[Organization, ...]:
    return organizations(int(facts["prefixes"]))


def break_(facts: Facts, scenario: Withdrawal) -> None:
    """Does the damage. Doing it twice is harmless."""
    routes = [route for route in routes_of(facts) if route.prefix == scenario.prefix]
    places = scenario.locations or tuple(place.name for place in PLACES)
    for place in places:
        _withdraw(facts, place, routes)
    if scenario.unbinds:
        states = {f"{place.name}/{scenario.prefix}": {"bound": False} for place in PLACES}
        talk.ask(facts["world"]["address"], op="put", backend=REGISTRY, states=states)
    wait(lambda: not any(scenario.prefix in visible(facts, place) for place in places), "the collector")


def heal(facts: Facts) -> None:
    """Every prefix announced at every edge, every binding there, every session of a simulated collector up."""
    world = facts["world"]["address"]
    for place in PLACES:
        talk.ask(world, op="down", location=place.name, down=False)
    served = [p.name for customer in customers(facts) for p in customer.prefixes if p.watched_by_tcp]
    bound = {f"{place.name}/{prefix}": {"bound": True, "service": SERVICE} for place in PLACES for prefix in served}
    talk.ask(world, op="put", backend=REGISTRY, states=bound)
    routes = list(routes_of(facts))
    for place in PLACES:
        _announce(facts, place.name, routes)
    wanted = {route.prefix for route in routes}
    wait(lambda: all(wanted <= visible(facts, place.name) for place in PLACES), "the collector")


def visible(facts: Facts, location: str) -> set[str]:
    """The prefixes that the collector has from a location."""
    if facts["kind"] == "real":
        given = facts["collector"]
        return collector.table(Path(given["socket"]), given["sessions"][location])
    prefixes = [route.prefix for route in routes_of(facts)]
    questions = [[location, prefix] for prefix in prefixes]
    answer = talk.ask(facts["world"]["address"], op="visible", questions=questions)
    return {prefix for prefix, seen in zip(prefixes, answer["visible"], strict=True) if seen}


def routes_of(facts: Facts) -> Iterable[Route]:
    return (customer.route(prefix) for customer in customers(facts) for prefix in customer.prefixes)


def _announce(facts: Facts, location: str, routes: list[Route]) -> None:
    edge = facts["edges"][location]
    if facts["kind"] == "real":
        routers.announce(edge["api"], routes)
        return
    states = {
        route.prefix: {
            "advertised": True,
            "next_hop": route.next_hop,
            "as_path": [route.origin_as],
            "origin": "igp",
            "communities": [route.community],
            "large_communities": [],
            "med": None,
            "local_pref": None,
        }
        for route in routes
    }
    talk.ask(facts["world"]["address"], op="put", backend=edge["backend"], states=states)


def _withdraw(facts: Facts, location: str, routes: list[Route]) -> None:
    edge = facts["edges"][location]
    if facts["kind"] == "real":
        routers.withdraw(edge["api"], routes)
        return
    states = {route.prefix: {"advertised": False} for route in routes}
    talk.ask(facts["world"]["address"], op="put", backend=edge["backend"], states=states)
