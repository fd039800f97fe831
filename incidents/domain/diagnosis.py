"""Which damage state a resource is in, and which action, if any, can repair it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from incidents.domain.changes import State, is_up, same, status_of
from incidents.domain.kinds import REPAIR_OF, Kind
from incidents.domain.verdicts import Mark


class Damage(StrEnum):
    HEALTHY = "healthy"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_UNBOUND = "withdrawn_unbound"
    BAD_DEPLOY = "bad_deploy"
    MISROUTED = "misrouted"
    POLICY_BLOCKS = "policy_blocks"
    RECORD_WRONG = "record_wrong"
    KEYS_WRONG = "keys_wrong"
    DRIFTED = "drifted"
    UNREACHABLE_ELSEWHERE = "unreachable_elsewhere"
    UNKNOWN = "unknown"


# What opens an incident, and keeps one open: somebody's users feel it, and it is certain.
SERIOUS = frozenset(Damage) - {Damage.HEALTHY, Damage.UNKNOWN, Damage.DRIFTED}


@dataclass(frozen=True, slots=True)
class Side:
    """One aspect of a resource at one location.

    Args:
        location: slug.
        aspect: see `kinds.ASPECTS`.
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


def diagnose(kind: Kind, sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """The damage state of a resource, from the worst that is certain to the best."""
    if kind is Kind.PREFIX:
        return _diagnose_prefix(sides, sights)
    if kind is Kind.SERVICE:
        return _diagnose_service(sides, sights)
    return _diagnose_pool(sides, sights) if kind is Kind.POOL else _diagnose_whole(kind, sides, sights)


def _diagnose_prefix(sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """A withdrawn route is repairable where a good route is known and the service settings there are intact.

    On 2026-02-20 some 300 prefixes could not be toggled back because no service was bound to them any more.
    """
    withdrawn = {side.location for side in sides if side.aspect == "route" and _lost(side, "advertised")}
    unbound = {side.location for side in sides if side.aspect == "service" and _lost(side, "bound")}
    drifted = {side.location for side in sides if _differs(side)} - withdrawn - unbound
    seen = _Seen.of(sides, sights)
    if unbound or withdrawn:
        damage = Damage.WITHDRAWN_UNBOUND if unbound else Damage.WITHDRAWN
        return seen.conclude(damage, withdrawn | unbound | drifted, REPAIR_OF[Kind.PREFIX], withdrawn - unbound)
    if drifted:
        return seen.conclude(Damage.DRIFTED, drifted)
    return seen.without_difference(sides)


def _diagnose_service(sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """A deployment that is another one than was proven is bad only when somebody feels it, or it cannot come up.

    One that works is simply new: it will be the known-good one when it has been proven for a while.
    """
    seen = _Seen.of(sides, sights)
    changed = {side.location for side in sides if _differs(side)}
    stuck = {side.location for side in sides if side.now is not None and status_of(side.now).get("problem")}
    bad = changed & (seen.unreachable | stuck)
    if bad:
        return seen.conclude(Damage.BAD_DEPLOY, changed | stuck, REPAIR_OF[Kind.SERVICE], changed)
    return seen.without_difference(sides if seen.unreachable else [_as_new(side) for side in sides])


def _diagnose_pool(sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """Traffic is stuck where a location that carried it when it was proven carries none, or when it cannot be reached.

    Other weights that work are simply new. A location that never carried any is a standby, and no fault.
    """
    seen = _Seen.of(sides, sights)
    sides = [side for side in sides if side.good is not None or side.now is None or is_up(side.now)]
    # What is in maintenance was closed on purpose, by somebody who opens it again.
    closed = {side.location for side in sides if side.now is not None and side.now.get("mode") in ("maint", "missing")}
    emptied = {side.location for side in sides if _differs(side) and side.now is not None and not is_up(side.now)}
    emptied -= closed
    changed = {side.location for side in sides if _differs(side)}
    if emptied or (changed and seen.unreachable):
        return seen.conclude(Damage.MISROUTED, changed, REPAIR_OF[Kind.POOL], changed)
    return seen.without_difference([_as_new(side) for side in sides])


# What is wrong with a document, or a set of records, that is not the proven one.
WHOLE = {
    Kind.POLICY: Damage.POLICY_BLOCKS,
    Kind.RECORD: Damage.RECORD_WRONG,
    Kind.KEYS: Damage.KEYS_WRONG,
}


def _diagnose_whole(kind: Kind, sides: Sequence[Side], sights: Sequence[Sight]) -> Diagnosed:
    """Another document, or another set of records, is wrong when somebody feels it, or when nothing is there any more.

    A policy that is gone lets everybody in, so that nobody complains; that is no reason to call it well.
    """
    seen = _Seen.of(sides, sights)
    changed = {side.location for side in sides if _differs(side)}
    gone = {side.location for side in sides if _differs(side) and side.now is not None and not is_up(side.now)}
    if gone or (changed and seen.unreachable):
        return seen.conclude(WHOLE[kind], changed, REPAIR_OF[kind], changed)
    return seen.without_difference([_as_new(side) for side in sides])


@dataclass(frozen=True, slots=True)
class _Seen:
    """Locations through which a probe fails, and those without a fresh observation or measurement."""

    unreachable: frozenset[str]
    unseen: frozenset[str]

    @staticmethod
    def of(sides: Sequence[Side], sights: Sequence[Sight]) -> _Seen:
        silent = {side.location for side in sides if side.now is None}
        vague = {sight.location for sight in sights if sight.mark in (None, Mark.ERROR, Mark.INCONCLUSIVE)}
        return _Seen(
            frozenset(sight.location for sight in sights if sight.mark is Mark.FAIL), frozenset(silent | vague)
        )

    def conclude(
        self, damage: Damage, affected: set[str] | None = None, repair: str = "", repairable: set[str] | None = None
    ) -> Diagnosed:
        return Diagnosed(
            damage=damage,
            repair=repair if repairable else "",
            repairable=tuple(sorted(repairable or ())),
            affected=tuple(sorted(affected or ())),
            unseen=tuple(sorted(self.unseen)),
            unreachable=tuple(sorted(self.unreachable)),
        )

    def without_difference(self, sides: Sequence[Side]) -> Diagnosed:
        """The conclusion when nothing is certainly other than it should be."""
        if not sides or any(side.now is None or side.good is None for side in sides):
            return self.conclude(Damage.UNKNOWN)
        if self.unreachable:
            return self.conclude(Damage.UNREACHABLE_ELSEWHERE)
        return self.conclude(Damage.UNKNOWN if self.unseen else Damage.HEALTHY)


def _lost(side: Side, field: str) -> bool:
    """Whether what was there when it was proven good is now certainly gone."""
    if side.now is None or side.good is None:
        return False
    return side.good.get(field) is True and side.now.get(field) is False


def _as_new(side: Side) -> Side:
    """The same with what is there now as its good state: other than before, and nobody feels it."""
    return replace(side, good=side.now) if _differs(side) else side


def _differs(side: Side) -> bool:
    return side.now is not None and side.good is not None and not same(side.now, side.good)
