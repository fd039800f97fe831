"""What the world plays where there is no real deployer, balancer or name server, by the states of simulated backends.

Besides, it plays the pages where the name of the shop may lead; these are there in every lab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from incidents.lab import answering, homes, policies
from incidents.lab.web import Answer, Pages

States = Mapping[str, Mapping[str, Any]]
Player: TypeAlias = tuple[Mapping[str, Any], Callable[[], Answer]]


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


@dataclass(frozen=True, slots=True)
class Guarded:
    """Lets visitors in by one document.

    Args:
        states: of the backend that plays the repository, {key: {"document"}}.
        key: of the document.
        by: the page that a document makes; None where there is none.
    """

    states: States
    key: str
    by: Callable[[str | None], Answer]

    def page(self) -> Answer:
        document = self.states[self.key].get("document")
        return self.by(document if isinstance(document, str) else None)


async def listen(given: Mapping[str, Any], states: Callable[[str], States], pages: Pages) -> dict[str, Any]:
    """Starts the listeners that are described.

    Args:
        given: `deployed` [{location, host, backend, key, pages {tree: [status, body, release]}}], `balanced`
            [{location, host, backend, keys}], `gates` and `sign_ins` [{location, host, backend, key}], `key_file` of
            the sign-in, `names` [{location, host, backend, zone}], any list of which may be empty, and `home` {right,
            wrong}, two hosts of which the second may be empty.
        states: the states of a backend by its name.

    Returns {"deployed": {location: "host:port"}, ..., "home": the port of its pages}.
    """
    return {
        **{kind: await _listen(players, pages) for kind, players in _players(given, states).items()},
        "names": {
            one["location"]: await answering.listen(one["host"], states(one["backend"]), one["zone"])
            for one in given["names"]
        },
        "home": await homes.listen(given["home"]["right"], given["home"]["wrong"], pages),
    }


def _players(given: Mapping[str, Any], states: Callable[[str], States]) -> dict[str, list[Player]]:
    """Who answers at which place, by kind."""
    return {
        "deployed": [
            (one, Deployed(states(one["backend"]), one["key"], {t: Answer(*p) for t, p in one["pages"].items()}).page)
            for one in given["deployed"]
        ],
        "balanced": [(one, Balanced(states(one["backend"]), one["keys"]).page) for one in given["balanced"]],
        "gates": [(one, Guarded(states(one["backend"]), one["key"], policies.page).page) for one in given["gates"]],
        "sign_ins": _sign_ins(given, states),
    }


def _sign_ins(given: Mapping[str, Any], states: Callable[[str], States]) -> list[Player]:
    if not given["sign_ins"]:
        return []
    # Here and not above: it takes a tenth of a second to load, and a real lab needs it elsewhere.
    from incidents.lab import signing

    by = partial(signing.page, key=signing.read_private(Path(given["key_file"])))
    return [(one, Guarded(states(one["backend"]), one["key"], by).page) for one in given["sign_ins"]]


async def _listen(players: Sequence[Player], pages: Pages) -> dict[str, str]:
    return {one["location"]: await pages.listen(one["host"], answer) for one, answer in players}
