"""Breaks and heals a lab that is up, and waits until it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from typing import Any

from incidents.lab import deploys, routes, talk, traffic
from incidents.lab.scenarios import BadDeploy, Scenario, StuckTraffic

Facts = dict[str, Any]


def break_(facts: Facts, scenario: Scenario) -> None:
    """Does the damage. Doing it twice is harmless."""
    if isinstance(scenario, BadDeploy):
        deploys.break_(facts)
    elif isinstance(scenario, StuckTraffic):
        traffic.break_(facts, scenario.last)
    else:
        routes.break_(facts, scenario)


def heal(facts: Facts) -> None:
    """Everything as it should be, and every simulated backend well-behaved."""
    world = facts["world"]["address"]
    for name in talk.ask(world, op="status")["backends"]:
        talk.ask(world, op="mode", backend=name, mode="ok", seconds=1)
    deploys.heal(facts)
    traffic.heal(facts)
    routes.heal(facts)
