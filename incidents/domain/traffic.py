"""Traffic that several locations share: steps from some weights to others, and what must never happen on the way.

A weight is the share that a location gets of the whole, relative to the others; 0 gets nothing new. Adapters see to
it that this is what a weight means, whatever it means in their backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from incidents.domain.changes import Change, State, same, settings_of, status_of
from incidents.domain.facts import BindingFacts, ResourceFacts, change_of
from incidents.domain.findings import Finding, Severity, blocker
from incidents.domain.terms import Terms

READY = "ready"
# Somebody has closed it on purpose, or it is not there: no capacity, whatever a check would say.
CLOSED = ("maint", "missing")


def effective(state: State) -> int:
    """The weight that counts: none while the member is drained or in maintenance."""
    weight = state.get("weight")
    return weight if isinstance(weight, int) and state.get("mode", READY) == READY else 0


def describe(state: State) -> str:
    """The share in words."""
    weight = effective(state)
    return f"share {weight}" if weight else "no traffic"


def on_the_way(before: State, after: State, percent: int) -> State:
    """The state at so many percent of the way; 100 is `after`, and what is to serve never rounds down to nothing."""
    if percent >= 100:
        return after
    start, end = effective(before), effective(after)
    weight = start + (end - start) * percent // 100
    return {"weight": max(weight, 1) if end else weight, "mode": READY}


@dataclass(frozen=True, slots=True)
class Member:
    """One location of a pool.

    Args:
        title: name of the location, for people.
        capacity: what it can carry: its known-good weight; 0 where it never carried any.
        ready: whether it could take traffic now; None where nobody can tell.
        weights: what it gets after each step.
        now: what it gets now; 0 where nobody can tell.
    """

    title: str
    capacity: int
    ready: bool | None
    weights: tuple[int, ...]
    now: int = 0

    @property
    def serves(self) -> bool:
        """Whether it gets traffic now, and is ready for it as far as anybody can tell."""
        return self.now > 0 and self.ready is not False


def unsafe(name: str, members: Sequence[Member], minimum_percent: int) -> Iterator[Finding]:
    """What speaks against these steps: blockers, and a warning where too little is still more than there is now.

    Envoy, for one, ignores health below half of its hosts, and so sends traffic back to the broken ones; Argo Rollouts
    issue 3941 switched all traffic to one ready replica, and the service fell over. Both are why capacity is counted
    at every step, and not only at the end.

    Args:
        name: of the pool.
        minimum_percent: of the known-good capacity that must be ready and serving after every step.
    """
    total = sum(member.capacity for member in members)
    now = sum(member.capacity for member in members if member.serves)
    warned = False
    for step in range(max((len(member.weights) for member in members), default=0)):
        serving = [member for member in members if member.weights[step] and member.ready is not False]
        if not serving:
            text = f"Traffic of {name} would go only to locations that are not ready, so nobody would be answered."
            yield blocker("guard.stranded", text, name)
            return
        ready = sum(member.capacity for member in serving)
        share = ready * 100 // total if total else 0
        if share < minimum_percent:
            titles = ", ".join(member.title for member in serving)
            text = (
                f"Only {titles} would carry {name}, which is {share} % of what it needs. "
                f"At least {minimum_percent} % must be ready."
            )
            # More than there is now is a repair, however little it still is; nobody who serves may lose for it.
            loses = any(member.serves and member.weights[step] < member.now for member in members)
            if ready < now or (ready == now and loses):
                yield blocker("guard.capacity", text, name)
                return
            if not warned:
                yield Finding("guard.capacity", Severity.WARNING, text, name)
            warned = True


@dataclass(frozen=True, slots=True)
class Steps:
    """Changes of one pool, and their indices in the plan, step by step.

    Args:
        first: index of the first of the changes.
        percents: how far each stage leads; steps that would change nothing are left out.
    """

    first: int
    changes: tuple[Change, ...]
    stages: tuple[tuple[int, ...], ...]
    percents: tuple[int, ...]


# What may speak against the steps of one pool.
Check: TypeAlias = Callable[[ResourceFacts, Steps], Iterable[Finding]]


def lead(resource: ResourceFacts, goals: Mapping[str, State], percents: Sequence[int], first: int) -> Steps:
    """The changes that lead to the goals step by step.

    Args:
        goals: id of a binding -> the state that it shall come to.
        percents: of the way, after each step; the last is 100.
        first: index of the first change in the plan.

    A step that would change nothing at a location is left out there, so each change begins where the last one ended.
    """
    changes: list[Change] = []
    stages: dict[int, tuple[int, ...]] = {}
    start = {side.id: settings_of(side.now) for side in resource.bindings if side.now is not None}
    at = dict(start)
    for percent in percents:
        stage: list[int] = []
        for side in resource.bindings:
            if side.id not in goals or side.id not in at:
                continue
            after = on_the_way(start[side.id], goals[side.id], percent)
            if not same(at[side.id], after):
                stage.append(first + len(changes))
                changes.append(change_of(resource, side, at[side.id], after))
                at[side.id] = after
        if stage:
            stages[percent] = tuple(stage)
    return Steps(first, tuple(changes), tuple(stages.values()), tuple(stages))


@dataclass(frozen=True, slots=True)
class Way:
    """The changes of one or several pools in stages, how far each stage leads, and what is to be said about them."""

    changes: tuple[Change, ...]
    stages: tuple[tuple[int, ...], ...]
    percents: tuple[int, ...]
    findings: tuple[Finding, ...] = ()


def together(steps: Sequence[Steps]) -> Way:
    """All pools go each step of the way at the same time; one for which a step would change nothing waits."""
    stages: dict[int, tuple[int, ...]] = {}
    for one in steps:
        for percent, stage in zip(one.percents, one.stages, strict=True):
            stages[percent] = (*stages.get(percent, ()), *stage)
    changes = tuple(change for one in steps for change in one.changes)
    return Way(changes, tuple(stages[percent] for percent in sorted(stages)), tuple(sorted(stages)))


def way_to(resources: Sequence[ResourceFacts], goals: Mapping[str, State], terms: Terms, also: Check) -> Way:
    """Leads all pools to these goals (by binding) step by step, held against the capacity that there is now.

    Args:
        also: what else is asked of the steps of each pool: `owned` or `not_ready`.
    """
    ways: list[Steps] = []
    findings: list[Finding] = []
    for resource in resources:
        mine = {side.id: goals[side.id] for side in resource.bindings if side.id in goals}
        steps = lead(resource, mine, terms.steps, first=sum(len(way.changes) for way in ways))
        findings += shortage(resource, steps, terms.minimum_percent)
        findings += also(resource, steps)
        ways.append(steps)
    return replace(together(ways), findings=tuple(findings))


def shortage(resource: ResourceFacts, steps: Steps, minimum_percent: int) -> Iterator[Finding]:
    """What speaks against these steps, and what nobody can tell."""
    members = [_member(side, steps) for side in resource.bindings]
    yield from unsafe(resource.name, members, minimum_percent)
    vague = [member.title for member in members if member.ready is None and any(member.weights)]
    if vague:
        text = f"We cannot see whether {', '.join(vague)} could take traffic now. It is taken to be ready."
        yield Finding("guard.readiness-unknown", Severity.WARNING, text, resource.name)


def _member(side: BindingFacts, steps: Steps) -> Member:
    capacity = effective(side.good.state) if side.good else 0
    if side.now is None:
        # It counts for what is needed, and nobody knows whether it is there.
        return Member(side.location_title, capacity, False, (0,) * len(steps.stages))
    weight = effective(side.now)
    weights: list[int] = []
    for stage in steps.stages:
        for change in (steps.changes[index - steps.first] for index in stage):
            if change.binding == side.id:
                weight = effective(change.after)
        weights.append(weight)
    return Member(side.location_title, capacity, is_ready(side), tuple(weights), effective(side.now))


def owned(resource: ResourceFacts, steps: Steps) -> Iterator[Finding]:
    """Blockers: another system would put back at once whatever is changed at one of these locations."""
    touched = {change.binding for change in steps.changes}
    for side in resource.bindings:
        controller = status_of(side.now or {}).get("managed_by")
        if side.id in touched and controller:
            text = f"{controller} decides the share of {side.location_title}, and would put back what we change there."
            yield blocker("guard.gitops", text, resource.name)
            return


def not_ready(resource: ResourceFacts, steps: Steps) -> Iterator[Finding]:
    """Locations that would get more than they have although they cannot take it."""
    sides = {side.id: side for side in resource.bindings}
    for change in steps.changes:
        side = sides.get(change.binding)
        if side is None or side.now is None:
            continue
        if is_ready(side) is False and effective(change.after) > effective(side.now):
            text = f"{side.location_title} is not ready to serve {resource.name}."
            yield blocker("guard.not-ready", text, resource.name)
            return


def is_ready(side: BindingFacts) -> bool | None:
    """Whether there is capacity that could take traffic now; None where the backend does not tell."""
    now = side.now or {}
    if now.get("mode") in CLOSED:
        return False
    ready = status_of(now).get("ready")
    return ready if isinstance(ready, bool) else None
