"""The pages that the world plays where there is no real deployer or balancer, by the states of simulated backends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from incidents.lab.web import Answer, Pages

States = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Deployed:
    """Serves what a repository holds for one location.

    Args:
        states: of the backend that plays the repository, {key: {"tree"}}.
        key: of the location.
        pages: {tree: page} for the trees that there ever were.
    """

    states: States
    key: str
    pages: Mapping[str, Answer]

    def page(self) -> Answer:
        return self.pages.get(str(self.states[self.key].get("tree")), Answer(500, "nothing is deployed here\n"))


@dataclass(slots=True)
class Balanced:
    """Spreads requests over the origins by their weights, as a balancer with health checks does.

    Args:
        states: of the backend that plays the balancer, {key: {"weight", "mode", "status": {"ready"}}}.
        keys: of all origins.
    """

    states: States
    keys: Sequence[str]
    _weights: dict[str, int] = field(default_factory=dict)
    _credit: dict[str, int] = field(default_factory=dict)

    def page(self) -> Answer:
        weights = {key: weight for key in self.keys if (weight := _weight(self.states[key]))}
        if not weights:
            return Answer(503, "no server is available\n")
        if weights != self._weights:
            self._weights, self._credit = weights, dict.fromkeys(weights, 0)
        # The smooth way of nginx: everybody gains its weight, the richest serves and pays for all.
        for key, weight in weights.items():
            self._credit[key] += weight
        chosen = max(weights, key=lambda key: self._credit[key])
        self._credit[chosen] -= sum(weights.values())
        name = chosen.rpartition("/")[2]
        return Answer(200, f"<!doctype html>\n<title>Web shop</title>\n<p>the web shop, served by {name}</p>\n")


def _weight(state: Mapping[str, Any]) -> int:
    """The weight that counts: none for an origin that is closed or does not answer its checks."""
    status = state.get("status")
    ready = isinstance(status, Mapping) and status.get("ready") is True
    weight = state.get("weight")
    return weight if ready and state.get("mode") == "ready" and isinstance(weight, int) else 0


async def listen(given: Mapping[str, Any], states: Callable[[str], States], pages: Pages) -> dict[str, dict[str, str]]:
    """Starts the listeners that are described.

    Args:
        given: `deployed` [{location, host, backend, key, pages {tree: [status, body, release]}}] and `balanced`
            [{location, host, backend, keys}]; either may be empty.
        states: the states of a backend by its name.

    Returns {"deployed": {location: "host:port"}, "balanced": {location: "host:port"}}.
    """
    found: dict[str, dict[str, str]] = {"deployed": {}, "balanced": {}}
    for one in given["deployed"]:
        known = {tree: Answer(*page) for tree, page in one["pages"].items()}
        deployed = Deployed(states(one["backend"]), one["key"], known)
        found["deployed"][one["location"]] = await pages.listen(one["host"], deployed.page)
    for one in given["balanced"]:
        balanced = Balanced(states(one["backend"]), one["keys"])
        found["balanced"][one["location"]] = await pages.listen(one["host"], balanced.page)
    return found
