"""Which damage state a resource is in, and which action, if any, can repair it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.domain.changes import State
from incidents.domain.verdicts import Mark


class Damage(StrEnum):
    HEALTHY = "healthy"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_UNBOUND = "withdrawn_unbound"
    DRIFTED = "drifted"
    UNREACHABLE_ELSEWHERE = "unreachable_elsewhere"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Side:
    """One aspect of a resource at one location.

    Args:
        location: slug.
        aspect: `route` is what we announce; `service` is what must be bound for the announcement to help.
        now: what was observed last; None when there is no fresh observation.
        good: the state that was proven good; None when nothing was ever proven.
    """

    location: str
    aspect: str
    now: State | None
    good: State | None


@dataclass(frozen=True, slots=True)
class Sight:
    """The newest mark of one point of the resource; None when there is no fresh measurement."""

    location: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A conclusion.

    Args:
        damage: the state of the resource as a whole.
        repair: name of the action that can help; empty when none can.
        repairable: locations that the action can repair.
        affected: locations where a side differs from what was proven good.
        unseen: locations without a fresh observation or measurement.
        unreachable: locations through which a probe fails.
    """

    damage: Damage
    repair: str = ""
    repairable: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()


def diagnose_prefix(sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """The damage state of a prefix, from the worst that is certain to the best.

    A withdrawn route is repairable where a good route is known and the service settings there are intact: on
    2026-02-20 some 300 prefixes could not be toggled back because no service was bound to them any more.
    """
    withdrawn = {side.location for side in sides if side.aspect == "route" and _lost(side, "advertised")}
    unbound = {side.location for side in sides if side.aspect == "service" and _lost(side, "bound")}
    drifted = {side.location for side in sides if _differs(side)} - withdrawn - unbound
    unreachable = {sight.location for sight in sights if sight.mark is Mark.FAIL}
    unseen = {side.location for side in sides if side.now is None}
    unseen |= {sight.location for sight in sights if sight.mark in (None, Mark.ERROR, Mark.INCONCLUSIVE)}
    repairable = withdrawn - unbound

    def conclude(damage: Damage, repair: str = "") -> Diagnosed:
        return Diagnosed(
            damage=damage,
            repair=repair,
            repairable=_sorted(repairable) if repair else (),
            affected=_sorted(withdrawn | unbound | drifted),
            unseen=_sorted(unseen),
            unreachable=_sorted(unreachable),
        )

    repair = "readvertise_prefix" if repairable else ""
    if unbound:
        return conclude(Damage.WITHDRAWN_UNBOUND, repair)
    if withdrawn:
        return conclude(Damage.WITHDRAWN, repair)
    if drifted:
        return conclude(Damage.DRIFTED)
    if not sides or any(side.now is None or side.good is None for side in sides):
        return conclude(Damage.UNKNOWN)
    if unreachable:
        return conclude(Damage.UNREACHABLE_ELSEWHERE)
    if unseen:
        return conclude(Damage.UNKNOWN)
    return conclude(Damage.HEALTHY)


def _lost(side: Side, field: str) -> bool:
    """Whether what was there when it was proven good is now certainly gone."""
    if side.now is None or side.good is None:
        return False
    return side.good.get(field) is True and side.now.get(field) is False


def _differs(side: Side) -> bool:
    return side.now is not None and side.good is not None and side.now != side.good


def _sorted(locations: set[str]) -> tuple[str, ...]:
    return tuple(sorted(locations))
