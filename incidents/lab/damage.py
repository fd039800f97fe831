"""Breaks and heals a lab that is up, and waits until it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from typing import Any

from incidents.lab import deploys, names, published, routes, talk, traffic
from incidents.lab.scenarios import (
    SCENARIOS,
    BadDeploy,
    KeysWrong,
    PolicyBlocks,
    RecordWrong,
    Scenario,
    Several,
    StuckTraffic,
)

Facts = dict[str, Any]


def break_(facts: Facts, scenario: Scenario) -> None:
    """Does the damage. Doing it twice is harmless."""
    match scenario:
        case Several():
            for name in scenario.of:
                break_(facts, SCENARIOS[name])
        case BadDeploy():
            deploys.break_(facts)
        case StuckTraffic():
            traffic.break_(facts, scenario.last)
        case PolicyBlocks():
            published.break_policy(facts)
        case RecordWrong():
            names.break_(facts)
        case KeysWrong():
            published.break_keys(facts)
        case _:
            routes.break_(facts, scenario)


def heal(facts: Facts) -> None:
    """Everything as it should be, and every simulated backend well-behaved."""
    world = facts["world"]["address"]
    for name in talk.ask(world, op="status")["backends"]:
        talk.ask(world, op="mode", backend=name, mode="ok", seconds=1)
    deploys.heal(facts)
    published.heal(facts)
    traffic.heal(facts)
    names.heal(facts)
    routes.heal(facts)
