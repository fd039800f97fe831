"""What the preview shows: the frozen plan in words, before anything happens."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.actions.base import Action
from incidents.actions.catalogue import CATALOGUE, describe
from incidents.domain.approvals import may_agree, word_to_ask
from incidents.domain.changes import Change, State, resources_of, whole_way
from incidents.domain.findings import Finding, Severity, blockers
from incidents.domain.guards import overridable
from incidents.domain.kinds import Kind, kind_of
from incidents.domain.plans import Plan as PlanValue
from incidents.domain.readable import DOCUMENTS, Line, difference
from incidents.engine.approving import human
from incidents.engine.grants import approvers_of
from incidents.models import Location, Organization, Plan, ResourceLock
from incidents.selectors.home import open_incident
from incidents.selectors.runs import NOUNS, what_of
from incidents.selectors.usual import Usual, usual_time

# People named who may be the second one.
NAMED = 3
# More resources than this are told by location, with the list folded away.
IN_FULL = 10


@dataclass(frozen=True, slots=True)
class Route:
    """One change: what is and what will be at one location, in words."""

    location: str
    aspect: str
    now: str
    after: str
    state_now: State
    state_after: State


@dataclass(frozen=True, slots=True)
class Difference:
    """What goes and what comes at these locations."""

    locations: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One resource with every route of it that changes, in the order of visiting.

    `differences` tell of documents what goes and what comes, line by line, once for all locations where it is the same.
    """

    name: str
    routes: tuple[Route, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """How many resources change in the same way at one location."""

    location: str
    count: int
    now: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The page.

    Args:
        undo_of: reference of the run that it puts back; empty otherwise.
        stages: titles of the locations, wave by wave.
        percents: how far each stage leads, where all locations go the way together; empty otherwise.
        second_person: codes of why a second person must agree; `ask` how those are called who may.
        word: what must be typed to ask them; empty where nothing must.
        may_override: what stops it, where people may go on against all of that; `overridden` what they go on against.
        break_glass: whether one person may start it alone all the same.
        hand_back: after which it comes back by itself; zero where it stays.
        checks: what was checked and passed, warnings and notes; `blockers` keep it from starting.
        busy: references of the runs that are changing the same resources now.
        left_out: titles of locations that do not answer.
        wait_to_undo: how long an undo has to wait; zero when it may follow at once.
        behalf: who asked for it, where it is done by a caller's consent; empty otherwise.
    """

    digest: str
    action: str
    verb: str
    doing: str
    explained: str
    stays: str
    what: str
    kinds: frozenset[Kind]
    count: int
    consequence: str
    check: str
    percents: tuple[int, ...]
    hand_back: timedelta
    undo_of: str
    tier: int
    second_person: tuple[str, ...]
    word: str
    may_override: tuple[Finding, ...]
    overridden: tuple[Finding, ...]
    break_glass: bool
    ask: tuple[str, ...]
    items: tuple[Item, ...]
    groups: tuple[Group, ...]
    stages: tuple[tuple[str, ...], ...]
    checks: tuple[Finding, ...]
    blockers: tuple[Finding, ...]
    busy: tuple[str, ...]
    left_out: tuple[str, ...]
    usual: Usual
    wait_to_undo: timedelta
    behalf: str
    proposed_at: datetime
    expires_at: datetime
    incident: str

    @property
    def in_full(self) -> bool:
        return self.count <= IN_FULL


def read_preview(plan: Plan) -> Preview:
    """Five queries, however large the plan."""
    value = plan.thaw()
    action = CATALOGUE[plan.action]
    titles = dict(Location.objects.values_list("slug", "title"))
    findings = tuple(Finding.from_json(item) for item in plan.findings)
    resources = resources_of(value.changes)
    return Preview(
        digest=plan.digest,
        action=plan.action,
        verb="Undo" if plan.undo_of_id else action.words.verb,
        doing=action.words.doing,
        explained=action.words.explained,
        stays=action.words.stays,
        what=what_of(value),
        kinds=frozenset(kind_of(change.aspect) for change in value.changes),
        consequence=action.words.consequence,
        check=action.words.check,
        percents=value.percents,
        hand_back=timedelta(seconds=value.hand_back),
        count=len(resources),
        undo_of=plan.undo_of.reference if plan.undo_of else "",
        tier=value.terms.tier,
        second_person=value.second_person,
        word=word_to_ask(value.terms.tier, overriding=bool(value.overridden)),
        may_override=_may_override(value, findings),
        overridden=tuple(one for one in findings if one.code in value.overridden and one.severity is Severity.WARNING),
        break_glass=value.terms.break_glass and not value.overridden,
        ask=_who_may_agree(plan) if value.second_person else (),
        items=_items(value, action, titles),
        groups=_groups(value, action, titles),
        stages=_stages(value, titles),
        checks=tuple(one for one in findings if one.severity is not Severity.BLOCKER),
        blockers=blockers(findings),
        busy=_busy(resources),
        left_out=tuple(titles.get(slug, slug) for slug in value.left_out),
        usual=usual_time(plan.organization, plan.action, value.terms),
        wait_to_undo=_wait_to_undo(value),
        behalf=plan.consent.caller if plan.consent else "",
        proposed_at=plan.proposed_at,
        expires_at=plan.expires_at,
        incident=open_incident(plan.organization),
    )


def _may_override(value: PlanValue, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What speaks against the plan, where people may go on against each of it; empty where they may not."""
    stops = blockers(findings)
    return stops if value.changes and all(overridable(one, value.terms.overridable) for one in stops) else ()


def _who_may_agree(plan: Plan) -> tuple[str, ...]:
    asked = human(plan.proposed_by)
    people = approvers_of(plan.preapproval)
    return tuple(str(person) for person in people if not may_agree(asked, human(person)))[:NAMED]


def read_stored(organization: Organization, digest: str) -> Preview | None:
    """The preview of a plan that was made before; None when the organization has none of that digest."""
    plan = Plan.objects.filter(digest=digest, organization=organization).first()
    return read_preview(plan) if plan else None


@dataclass(frozen=True, slots=True)
class Weight:
    """How serious a plan is: its tier, and whether a second person must agree."""

    tier: int = 0
    takes_two: bool = False


def read_weight(organization: Organization, digest: str) -> Weight:
    """Of a plan that was made before; of no weight when the organization has none of that digest."""
    plan = Plan.objects.filter(digest=digest, organization=organization).first()
    if plan is None:
        return Weight()
    value = plan.thaw()
    return Weight(value.terms.tier, bool(value.second_person))


def _items(value: PlanValue, action: Action, titles: Mapping[str, str]) -> tuple[Item, ...]:
    routes: dict[str, list[Route]] = defaultdict(list)
    alike: dict[str, dict[tuple[Line, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for change in whole_way(value.changes):
        now, after = _words(action, change)
        title = titles.get(change.location, change.location)
        routes[change.name].append(Route(title, change.aspect, now, after, change.before, change.after))
        if change.aspect in DOCUMENTS:
            alike[change.name][difference(change.before, change.after, change.aspect)].append(title)
    return tuple(
        Item(name, tuple(rows), tuple(Difference(tuple(titles), lines) for lines, titles in alike[name].items()))
        for name, rows in routes.items()
    )


def _groups(value: PlanValue, action: Action, titles: Mapping[str, str]) -> tuple[Group, ...]:
    counts = Counter((change.location, *_words(action, change)) for change in whole_way(value.changes))
    order = {slug: position for position, slug in enumerate(titles)}
    return tuple(
        Group(titles.get(location, location), count, now, after)
        for (location, now, after), count in sorted(counts.items(), key=lambda item: order.get(item[0][0], 0))
    )


def _words(action: Action, change: Change) -> tuple[str, str]:
    """Before and after; where both read the same, what differs is named."""
    now, after = describe(action, change)
    if now != after:
        return now, after
    if change.aspect in DOCUMENTS:
        return "what is there now", "what last worked"
    fields = sorted(
        key for key in change.before.keys() | change.after.keys() if change.before.get(key) != change.after.get(key)
    )
    return f"{now}, but differently", f"{after}, with another {' and '.join(fields).replace('_', ' ')}"


def _stages(value: PlanValue, titles: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Where each stage leads; of several kinds also of which."""
    several = len({kind_of(change.aspect) for change in value.changes}) > 1
    return tuple(
        tuple(dict.fromkeys(_place(value.changes[index], titles, several=several) for index in stage))
        for stage in value.stages
    )


def _place(change: Change, titles: Mapping[str, str], *, several: bool) -> str:
    title = titles.get(change.location, change.location)
    return f"{NOUNS[kind_of(change.aspect)]} in {title}" if several else title


def _wait_to_undo(value: PlanValue) -> timedelta:
    """How long taking it back has to wait: the guard against flapping holds what this plan announces."""
    announces = any(change.after.get("advertised") is True for change in value.changes)
    return value.terms.flap if announces else timedelta(0)


def _busy(resources: Mapping[str, str]) -> tuple[str, ...]:
    locks = ResourceLock.objects.filter(live=True, resource__in=[uuid.UUID(pk) for pk in resources])
    return tuple(locks.order_by("run__accepted_at").values_list("run__reference", flat=True).distinct())
