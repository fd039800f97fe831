"""Which points a plan must see right, and which it only watches: what a stage is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from incidents.domain.changes import SHARED, is_up
from incidents.domain.kinds import kind_of
from incidents.domain.plans import Plan
from incidents.domain.verdicts import Mark


class Role(StrEnum):
    PROVE = "prove"  # must be right
    KEEP = "keep"  # must not get worse
    LOOK = "look"  # is read for the page, and decides nothing


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a point should say after a stage, and what follows from it."""

    stage: int
    mark: Mark
    role: Role


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is wanted of the points of a plan.

    - A change at a location is proven there: reachable when it brings something up, not reachable when it ends that.
    - Traffic is felt everywhere: each step must make nothing worse anywhere. After the last one every location that got
      more must be right; where traffic was only taken away, every other one.
    - Where several kinds are restored together, one may be of no use before the other is back: on the way nothing may
      get worse, and all of it is proven with the last stage.
    - An undo puts back what was, good or bad: of a deploy, whether it works is only looked at; of traffic, nobody may
      be worse off at any step. A hand-back is no such undo, for what it puts back is how things should be.
    """

    places: Mapping[tuple[str, str], Sequence[Wanted]]
    resources: Mapping[str, Mapping[int, Role]]
    raised: frozenset[tuple[str, str]]
    emptied: frozenset[tuple[str, str]]

    @staticmethod
    def of(plan: Plan) -> Proofs:
        undoing = bool(plan.undo_of) and not plan.handing_back
        stage_of = {index: number for number, stage in enumerate(plan.stages) for index in stage}
        # Several kinds repair one whole, such as a policy and the route to what it lets through.
        end = len(plan.stages) - 1 if len({kind_of(change.aspect) for change in plan.changes}) > 1 else None
        places: dict[tuple[str, str], Sequence[Wanted]] = {}
        stages: dict[str, set[int]] = {}
        last: dict[tuple[str, str], bool] = {}
        for index in sorted(stage_of, key=stage_of.__getitem__):
            change = plan.changes[index]
            place = change.resource, change.location
            if change.aspect in SHARED:
                stages.setdefault(change.resource, set()).add(stage_of[index])
                last[place] = is_up(change.after)
            else:
                places[place] = _in_the_end(_at_place(stage_of[index], change.aspect, change.after, undoing), end)
        return Proofs(
            places,
            {resource: _steps(numbers, end, undoing=undoing) for resource, numbers in stages.items()},
            frozenset(place for place, up in last.items() if up),
            frozenset(place for place, up in last.items() if not up),
        )

    def at(self, resource: str, location: str) -> Sequence[Wanted]:
        """What is wanted of a point of this resource (by id) through this location (by slug); often nothing."""
        if (resource, location) in self.places:
            return self.places[resource, location]
        brings = any(name == resource for name, _ in self.raised)
        proves = (resource, location) in self.raised if brings else (resource, location) not in self.emptied
        return [
            Wanted(stage, Mark.PASS, Role.KEEP if role is Role.PROVE and not proves else role)
            for stage, role in self.resources.get(resource, {}).items()
        ]


def _at_place(stage: int, aspect: str, after: Mapping[str, object], undoing: bool) -> Wanted:
    up = after.get("advertised") is not False
    return Wanted(stage, Mark.PASS if up else Mark.FAIL, Role.LOOK if undoing and aspect != "route" else Role.PROVE)


def _in_the_end(wanted: Wanted, end: int | None) -> Sequence[Wanted]:
    """The same, proven only with the stage `end`, where there is one: until then nothing may get worse."""
    if end is None or wanted.stage == end or wanted.role is not Role.PROVE:
        return (wanted,)
    return replace(wanted, role=Role.KEEP), replace(wanted, stage=end)


def _steps(numbers: set[int], end: int | None, *, undoing: bool) -> Mapping[int, Role]:
    if undoing:
        return dict.fromkeys(sorted(numbers), Role.KEEP)
    proven = max(numbers) if end is None else end
    return {number: Role.PROVE if number == proven else Role.KEEP for number in sorted(numbers | {proven})}
