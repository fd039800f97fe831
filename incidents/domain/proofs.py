"""Which points a plan must see right, and which it only watches: what a stage is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.domain.changes import is_up
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
        if not plan.whole:
            places = {
                (change.resource, change.location): (_at_place(stage_of[index], change.aspect, change.after, undoing),)
                for index, change in enumerate(plan.changes)
            }
            return Proofs(places, {}, frozenset(), frozenset())
        stages: dict[str, set[int]] = {}
        last: dict[tuple[str, str], bool] = {}
        for index in sorted(stage_of, key=stage_of.__getitem__):
            change = plan.changes[index]
            stages.setdefault(change.resource, set()).add(stage_of[index])
            last[change.resource, change.location] = is_up(change.after)
        return Proofs(
            {},
            {resource: _steps(numbers, undoing=undoing) for resource, numbers in stages.items()},
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


def _steps(numbers: set[int], *, undoing: bool) -> Mapping[int, Role]:
    if undoing:
        return dict.fromkeys(sorted(numbers), Role.KEEP)
    return {number: Role.PROVE if number == max(numbers) else Role.KEEP for number in sorted(numbers)}
