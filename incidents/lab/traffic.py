"""Breaks and heals the traffic of a lab, in its balancer and origins or in the world; visitors say when it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from incidents.lab import balancer, talk
from incidents.lab.balancer import USUAL_WEIGHT, Origin
from incidents.lab.demo import BALANCER, PLACES, WEB
from incidents.lab.waiting import wait
from incidents.lab.web import visit

Facts = dict[str, Any]


def break_(facts: Facts, last: str) -> None:
    """Leaves all traffic on one origin, as after a maintenance of the others, and lets it fail.

    Args:
        last: name of that origin.
    """
    _set(facts, {place.origin: USUAL_WEIGHT if place.origin == last else 0 for place in PLACES}, failing=last)
    wait(lambda: set(seen(facts).values()) == {503} and not origins(facts)[last].ready, "the balancer")


def heal(facts: Facts) -> None:
    """Every origin well, open, and with its usual weight."""
    _set(facts, {place.origin: USUAL_WEIGHT for place in PLACES})
    usual = Origin(USUAL_WEIGHT, "ready", True)
    wait(lambda: set(origins(facts).values()) == {usual} and set(seen(facts).values()) == {200}, "the balancer")


def seen(facts: Facts) -> dict[str, int]:
    """The status that a visitor is answered at each location; 0 for no answer."""
    return {location: visit(address).status for location, address in facts["balancer"]["fronts"].items()}


def origins(facts: Facts) -> dict[str, Origin]:
    """Every origin as the balancer has it."""
    given = facts["balancer"]
    if given["kind"] == "haproxy":
        return balancer.origins(given["socket"])
    states = talk.ask(facts["world"]["address"], op="status")["backends"][BALANCER]["states"]
    return {
        key.removeprefix(f"{WEB.group}/"): Origin(state["weight"], state["mode"], state["status"]["ready"])
        for key, state in states.items()
    }


def _set(facts: Facts, weights: dict[str, int], failing: str = "") -> None:
    """Gives every origin a weight, opens it, and makes it well, but for the one that fails."""
    given = facts["balancer"]
    if given["kind"] != "haproxy":
        states = {f"{WEB.group}/{name}": state(weight, ready=name != failing) for name, weight in weights.items()}
        talk.ask(facts["world"]["address"], op="put", backend=BALANCER, states=states)
        return
    for name in weights:
        mark = Path(given["failing"]) / name
        if name == failing:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)
    words = [balancer.commands(name, weight, well=name != failing) for name, weight in weights.items()]
    balancer.change(given["socket"], *[word for some in words for word in some])
    balancer.keep(given["socket"], Path(given["state_file"]))


def state(weight: int, *, ready: bool) -> dict[str, Any]:
    """An origin as the simulated balancer has it."""
    return {"weight": weight, "mode": "ready", "status": {"ready": ready}}
