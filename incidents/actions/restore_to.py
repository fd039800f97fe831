"""Put back everything of an organization that is not as it was proven good, across kinds, in one plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.actions.base import Action, Resolved, Wish, Words
from incidents.actions.readvertise_prefix import ReadvertisePrefix
from incidents.actions.restore_keys import RestoreKeys
from incidents.actions.restore_record import RestoreRecord
from incidents.actions.revert_deploy import RevertDeploy
from incidents.actions.roll_back_policy import RollBackPolicy
from incidents.actions.shift_traffic_back import ShiftTrafficBack
from incidents.domain.changes import Change, State, label_of
from incidents.domain.facts import BindingFacts, Good, ResourceFacts
from incidents.domain.findings import Finding, Severity, blocker, blockers, passed
from incidents.domain.kinds import ASPECTS, LOOKED_AT, Kind
from incidents.domain.terms import Terms

# The safe order: what keeps traffic out and people from signing in comes first, then what answers, then what leads
# users there; a route is announced last, when there is something behind it.
PARTS: tuple[Action, ...] = (
    RollBackPolicy(),
    RestoreKeys(),
    RevertDeploy(),
    ShiftTrafficBack(),
    RestoreRecord(),
    ReadvertisePrefix(),
)
# How each kind is put back.
PART_OF = {kind: part for part in PARTS for kind in part.kinds}
# A part that has nothing to do, or a location that is silent, keeps the others from nothing.
HARMLESS = ("guard.nothing-to-do", "guard.unreachable-location")
ANY_NUMBER = 1_000_000
NOT_SEEN = "guard.not-seen"
LEFT_OUT = "It is left out."
# More than these are counted.
NAMED = 5
ON_PURPOSE = "where it was moved on purpose and comes back by itself"


class RestoreTo:
    """Everything that differs from its known-good state, or from that of a chosen moment.

    What cannot be looked at, or was never proven, is left out by name and never guessed.
    """

    name = "restore_to"
    version = 1
    kinds: tuple[Kind, ...] = tuple(PART_OF)
    aspects = frozenset(aspect for aspects in ASPECTS.values() for aspect in aspects) - LOOKED_AT
    in_steps = False
    asks = True
    restores = True
    words = Words(
        verb="Put everything back for",
        doing="Putting everything back for",
        done="as they were when they last worked",
        can="put everything back as it was when it last worked",
        explained="Everything that is not as it was when it last worked goes back, in a safe order.",
        stays="what is as it should be, and what is named below as left out",
        check="nothing is worse",
        consequence="what was changed since is undone, also where it was changed on purpose",
    )

    def describe(self, state: State) -> str:
        return label_of(state) or "another state"

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        found = _Found()
        lenient = replace(terms, tolerate=ANY_NUMBER)
        for part in PARTS:
            for resource in resources:
                if resource.kind not in part.kinds:
                    continue
                found.findings += _away(resource)
                for narrow in _alone(resource, wish.location):
                    found.add(resource, part.resolve([narrow], lenient, Wish(), now))
            found.end_part()
        findings = tuple(dict.fromkeys([*found.findings, *found.not_seen(), *_said(found, wish)]))
        return Resolved(tuple(found.changes), findings, stages=tuple(found.stages))


@dataclass(slots=True)
class _Found:
    """What came of all parts so far.

    `steps` are those of traffic that is led in steps, by their percents; `unseen` the names of what could not be looked
    at, by the sentence that says why.
    """

    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    stages: list[tuple[int, ...]] = field(default_factory=list)
    steps: dict[int, tuple[int, ...]] = field(default_factory=lambda: defaultdict(tuple))
    unseen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    left_out: bool = False

    def add(self, resource: ResourceFacts, resolved: Resolved) -> None:
        """Takes the changes of one resource at one place, unless something speaks against them: then it is left out."""
        against = [one for one in blockers(resolved.findings) if one.code not in HARMLESS]
        for one in against:
            self.left_out = True
            self.findings.append(replace(one, severity=Severity.WARNING, text=f"{one.text} {LEFT_OUT}"))
        if against:
            return
        for percent, stage in zip(resolved.percents, resolved.stages, strict=True):
            self.steps[percent] += tuple(len(self.changes) + index for index in stage)
        self.changes += resolved.changes
        for one in resolved.findings:
            if one.code == "guard.unreachable-location":
                self.unseen[one.text.removesuffix(LEFT_OUT).rstrip()].append(resource.name)
            elif one.severity in (Severity.WARNING, Severity.NOTE):
                self.findings.append(one)

    def end_part(self) -> None:
        """All pools go each step of the way together."""
        self.stages += [self.steps[percent] for percent in sorted(self.steps)]
        self.steps.clear()

    def not_seen(self) -> Iterator[Finding]:
        """What could not be looked at, told once for each reason."""
        for why, names in self.unseen.items():
            what = ", ".join(names) if len(names) <= NAMED else f"{len(names)} things"
            yield Finding(NOT_SEEN, Severity.WARNING, f"{why} Left out there: {what}.", names[0])


def _alone(resource: ResourceFacts, location: str) -> Iterator[ResourceFacts]:
    """The resource as if it were at one location only, for each or for the chosen one; so that what speaks against one
    keeps no other from going back. A pool is one whole, of which the others count and stay as they are.
    """
    if resource.kind == Kind.POOL:
        sides = (side if side.location == location or not location else _as_it_is(side) for side in resource.bindings)
        yield replace(resource, bindings=tuple(_as_it_is(side) if side.away else side for side in sides))
        return
    for place in dict.fromkeys(side.location for side in resource.bindings):
        if location in ("", place):
            yield replace(resource, bindings=tuple(side for side in resource.bindings if side.location == place))


def _away(resource: ResourceFacts) -> Iterator[Finding]:
    for side in resource.bindings:
        if side.away:
            text = f"{resource.name} stays away from {side.location_title}, {ON_PURPOSE}."
            yield Finding("guard.away", Severity.NOTE, text, resource.name)


def _as_it_is(side: BindingFacts) -> BindingFacts:
    if side.now is None or side.good is None:
        return side
    return replace(side, good=Good(side.now, side.good.proven_at, side.good.proven_until, side.good.proof))


def _said(found: _Found, wish: Wish) -> Iterator[Finding]:
    if not found.changes:
        if found.left_out or found.unseen:
            yield blocker("guard.nothing-left", "Nothing can be put back now, for the reasons that are named here.")
        else:
            text = "Everything that we can see is as it should be. There is nothing to do."
            yield blocker("guard.nothing-to-do", text)
        return
    when = f" by {wish.moment:%d %B %Y, %H:%M} UTC" if wish.moment else ""
    yield passed("guard.snapshot-age", f"Everything goes back to what was proven to work{when}.")
    text = "First policies and keys, then programs and traffic, then records, and prefixes last."
    yield Finding("guard.safe-order", Severity.NOTE, text)
