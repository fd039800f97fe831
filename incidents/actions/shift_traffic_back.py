"""Give every location the share of the traffic that was proven good, as far as it is ready for it now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from incidents.actions.base import Resolved, Wish, Words
from incidents.actions.restoring import lost, not_proven, older_than_damaged, says_nothing, silence
from incidents.domain.changes import State, same
from incidents.domain.facts import ResourceFacts
from incidents.domain.findings import Finding, Severity, blocker, blockers, passed
from incidents.domain.kinds import Kind
from incidents.domain.terms import Terms
from incidents.domain.traffic import describe, effective, is_ready, owned, way_to


class ShiftTrafficBack:
    """Restores the `weight` aspect in steps. A location that is not ready gets no more than it has."""

    name = "shift_traffic_back"
    version = 1
    kinds: tuple[Kind, ...] = (Kind.POOL,)
    aspects = frozenset({"weight"})
    in_steps = True
    asks = False
    restores = True
    words = Words(
        verb="Shift traffic back for",
        doing="Shifting traffic back for",
        done="served by its usual locations again",
        can="shift the traffic back to where it was when it last worked",
        explained="Shifting traffic back gives each location the share of your users that it had when all was well.",
        stays="the programs that run at each location, your prefixes and your DNS",
        check="nobody is worse off",
        consequence="users move between locations within seconds",
    )

    def describe(self, state: State) -> str:
        return describe(state)

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        goals: dict[str, State] = {}
        findings: list[Finding] = []
        silent: dict[str, str] = {}
        for resource in resources:
            wanted, found = _goals(resource, terms, now, silent)
            goals |= wanted
            # One whose share is lost is no standby, and shares are shares of a whole.
            findings += [*lost(resource, terms, now), *found]
        way = way_to(resources, goals, terms, also=owned)
        findings += way.findings
        findings += silence(silent, terms)
        if not blockers(findings):
            too_little = any(finding.code == "guard.capacity" for finding in findings)
            if way.changes and not too_little:
                text = f"At least {terms.minimum_percent} % of the usual capacity is ready at every step."
                findings.append(passed("guard.capacity", text))
            elif not way.changes:
                text = "Every location that is ready has its usual share already. There is nothing to do."
                findings.append(blocker("guard.nothing-to-do", text))
        return Resolved(way.changes, tuple(findings), tuple(sorted(silent)), way.stages, way.percents)


def _goals(
    resource: ResourceFacts, terms: Terms, now: datetime, silent: dict[str, str]
) -> tuple[dict[str, State], list[Finding]]:
    """The known-good share of each location that is not as it was; notes silent locations."""
    goals: dict[str, State] = {}
    away: dict[str, State] = {}
    findings: list[Finding] = []
    for side in resource.bindings:
        if side.now is None:
            silent[side.location] = says_nothing(side)
            continue
        if side.good is None:
            continue  # a standby: it never carried anything, and nothing is known of what it could
        if same(side.now, side.good.state):
            if is_ready(side) is False:
                then = "It keeps its share, and gets nothing until it is."
                findings.append(_not_ready(resource, side.location_title, then))
            continue
        findings += not_proven(resource, side, terms, now)
        findings += older_than_damaged(resource, side)
        if is_ready(side) is False and effective(side.good.state) > effective(side.now):
            findings.append(_not_ready(resource, side.location_title, "It is left as it is."))
        elif side.away:
            away[side.id] = side.good.state
        else:
            goals[side.id] = side.good.state
    if goals and away:
        titles = ", ".join(side.location_title for side in resource.bindings if side.id in away)
        text = f"{resource.name} stays away from {titles}, where it was moved on purpose and comes back by itself."
        findings.append(Finding("guard.away", Severity.NOTE, text, resource.name))
    goals = goals or away
    if not goals and not findings and all(side.good is None and not side.damaged for side in resource.bindings):
        text = f"We have never seen {resource.name} working, so we do not know how traffic should flow."
        findings.append(blocker("guard.no-snapshot", text, resource.name))
    return goals, findings


def _not_ready(resource: ResourceFacts, title: str, then: str) -> Finding:
    text = f"{title} is not ready to serve {resource.name}. {then}"
    return Finding("guard.not-ready", Severity.WARNING, text, resource.name)
