"""The damage that a lab can do to itself, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from incidents.lab.faults import LabFault


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A prefix that is withdrawn.

    Args:
        name: what people call it on the command line.
        text: what it does, in one sentence.
        prefix: the prefix that it hits.
        locations: where it is withdrawn; empty means everywhere.
        unbinds: its service bindings are taken away as well, at every location.
    """

    name: str
    text: str
    prefix: str
    locations: tuple[str, ...] = ()
    unbinds: bool = False


@dataclass(frozen=True, slots=True)
class BadDeploy:
    """A release that does not work, at every location. `name` and `text` as above."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class StuckTraffic:
    """All traffic on one origin that fails. `name` and `text` as above; `last` is the origin."""

    name: str
    text: str
    last: str


@dataclass(frozen=True, slots=True)
class PolicyBlocks:
    """A policy that lets nobody in, at every location. `name` and `text` as above."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordWrong:
    """A name that leads to somebody else. `name` and `text` as above."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class KeysWrong:
    """Public keys that nothing is signed with, at every location. `name` and `text` as above."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Several:
    """Other scenarios at once, by their names. `name` and `text` as above."""

    name: str
    text: str
    of: tuple[str, ...]


Scenario: TypeAlias = Withdrawal | BadDeploy | StuckTraffic | PolicyBlocks | RecordWrong | KeysWrong | Several

_ALL: tuple[Scenario, ...] = (
    Withdrawal("withdrawn", "203.0.113.0/24 is withdrawn at every location", "203.0.113.0/24"),
    Withdrawal(
        "withdrawn_unbound",
        "198.51.100.0/24 is withdrawn at every location and its service bindings are gone",
        "198.51.100.0/24",
        unbinds=True,
    ),
    Withdrawal("one_location", "192.0.2.0/24 is withdrawn at edge-b only", "192.0.2.0/24", ("edge-b",)),
    Withdrawal(
        "takes_two",
        "198.18.20.0/24 of Example Bank is withdrawn at every location; its repair takes two people",
        "198.18.20.0/24",
    ),
    BadDeploy("bad_deploy", "Release 1.43 of the checkout page fails at every location"),
    StuckTraffic("traffic_stuck", "all traffic of the web shop goes to origin-b, which fails", "origin-b"),
    PolicyBlocks("policy_blocks", "a policy that lets nobody into the shop is in force at every location"),
    RecordWrong("record_wrong", "www.shop.example leads to somebody else's page"),
    KeysWrong("keys_wrong", "nobody can sign in, for another public key is published at every location"),
    Several(
        "everything",
        "the worst day of Example Shop: one thing of each kind is broken at once",
        ("withdrawn", "bad_deploy", "traffic_stuck", "policy_blocks", "record_wrong", "keys_wrong"),
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}


def scenario_of(name: str) -> Scenario:
    """Raises LabFault that lists the choices."""
    if name not in SCENARIOS:
        raise LabFault(f"there is no scenario {name!r}; choose one of: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
