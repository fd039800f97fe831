"""The damage that a lab can do to itself, by name."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.lab.faults import LabFault


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of damage.

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


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("withdrawn", "203.0.113.0/24 is withdrawn at every location", "203.0.113.0/24"),
        Scenario(
            "withdrawn_unbound",
            "198.51.100.0/24 is withdrawn at every location and its service bindings are gone",
            "198.51.100.0/24",
            unbinds=True,
        ),
        Scenario("one_location", "192.0.2.0/24 is withdrawn at edge-b only", "192.0.2.0/24", ("edge-b",)),
    )
}


def scenario_of(name: str) -> Scenario:
    """Raises LabFault that lists the choices."""
    if name not in SCENARIOS:
        raise LabFault(f"there is no scenario {name!r}; choose one of: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
