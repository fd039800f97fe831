"""Take the traffic away from one location for a time that is agreed beforehand; it comes back by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from incidents.actions.base import Resolved, Wish, Words
from incidents.actions.restoring import says_nothing
from incidents.domain.changes import State
from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, blocker, blockers, passed
from incidents.domain.kinds import Kind
from incidents.domain.terms import Terms
from incidents.domain.traffic import describe, effective, owned, way_to

# A location that is away for ever is one that everybody forgets. Google's traffic drains (SRE Workbook, "Managing
# load") and most operators' change windows end within three days.
SHORTEST, LONGEST = 1, 72 * 60  # minutes
AWAY: State = {"weight": 0, "mode": "ready"}


class ShiftTrafficAway:
    """Brings the `weight` of one location to nothing. What the others get is left as it is: shares are relative."""

    name = "shift_traffic_away"
    version = 1
    kinds: tuple[Kind, ...] = (Kind.POOL,)
    aspects = frozenset({"weight"})
    in_steps = True
    asks = True
    restores = False
    words = Words(
        verb="Shift traffic away for",
        doing="Shifting traffic away for",
        done="served by its other locations",
        can="take the traffic away from a location for a while",
        explained="Shifting traffic away sends your users to the other locations. It ends by itself.",
        stays="the programs that run at each location, your prefixes and your DNS",
        check="nobody is worse off",
        consequence="users move between locations within seconds",
    )

    def describe(self, state: State) -> str:
        return describe(state)

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        goals: dict[str, State] = {}
        findings: list[Finding] = list(_wrong_time(wish))
        for resource in resources:
            side, found = _there(resource, wish)
            findings += found
            if side is not None:
                goals[side.id] = AWAY
        way = way_to(resources, goals, terms, also=owned)
        findings += way.findings
        if way.changes and not blockers(findings):
            text = f"At least {terms.minimum_percent} % of the usual capacity stays ready at the other locations."
            findings.append(passed("guard.capacity", text))
        return Resolved(way.changes, tuple(findings), (), way.stages, way.percents, wish.minutes * 60)


def _wrong_time(wish: Wish) -> Iterator[Finding]:
    if not SHORTEST <= wish.minutes <= LONGEST:
        text = "Choose for how long: from 1 minute to 72 hours. After that it comes back by itself."
        yield blocker("guard.expiry", text)


def _there(resource: ResourceFacts, wish: Wish) -> tuple[BindingFacts | None, list[Finding]]:
    """The side of the chosen location, and what speaks against emptying it."""
    sides = [side for side in resource.bindings if side.location == wish.location]
    if not sides:
        text = f"Choose a location that serves {resource.name}."
        return None, [blocker("guard.location", text, resource.name)]
    side = sides[0]
    if side.now is None:
        return side, [blocker("guard.unreachable-location", says_nothing(side), side.location)]
    if side.away:
        text = f"{resource.name} is away from {side.location_title} already. Change its time on the page of that run."
        return side, [blocker("guard.away", text, resource.name)]
    if not effective(side.now):
        text = f"{side.location_title} gets no traffic of {resource.name} already. There is nothing to do."
        return side, [blocker("guard.nothing-to-do", text, resource.name)]
    return side, []
