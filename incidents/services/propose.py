"""Makes a plan and freezes it: the preview that a person reads, and the digest by which they start it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from incidents.actions.base import Action, Resolved, Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.domain import approvals
from incidents.domain.changes import Change, resources_of, same
from incidents.domain.circumstances import Proposal
from incidents.domain.errors import EmptySelector, NotAllowed, Refused
from incidents.domain.facts import Good, ResourceFacts
from incidents.domain.findings import Finding, blocker, blockers
from incidents.domain.guards import overridable
from incidents.domain.kinds import Kind, kind_of
from incidents.domain.plans import VALID_FOR, stage_out
from incidents.domain.plans import Plan as PlanValue
from incidents.domain.terms import Terms, read_terms
from incidents.engine import on_call
from incidents.engine.circumstances import ask_guards
from incidents.engine.facts import as_of, load_facts, rehearse, with_origins, with_validity
from incidents.engine.grants import acting_consent, may_use
from incidents.engine.known_good import first_proven
from incidents.engine.starting import keep_plan
from incidents.models import Location, Organization, Person, Plan, Point, Preapproval, Resource, Run
from incidents.models.clock import database_now

NO_WISH = Wish()


def propose(
    person: Person,
    organization: Organization,
    action: str,
    resources: Sequence[Resource],
    wish: Wish = NO_WISH,
    overridden: Sequence[str] = (),
) -> Plan:
    """Looks, resolves, asks the guards and stores the frozen plan. Changes nothing in the world.

    Args:
        wish: what the person chose besides, for actions that ask for it.
        overridden: codes of guards that the person overrides by name.

    The plan is stored also when findings speak against it, so that the preview can name them; `start` refuses it.

    Raises:
        EmptySelector: no resource; nothing never means everything.
        NotAllowed: no preapproval lets this person do this to all of these resources.
        Refused: the action is unknown, or a resource is of another kind.
    """
    entry = find_action(action)
    if not resources:
        raise EmptySelector("Nothing was chosen. Go back and choose what to repair.")
    if any(Kind(row.kind) not in entry.kinds or row.organization_id != organization.pk for row in resources):
        raise Refused(f"{entry.words.verb} is not possible for what was chosen.")
    preapproval = find_preapproval(person, organization, action, resources)
    now = database_now()
    terms = read_terms(preapproval.terms)
    if wish.moment is not None:
        _known(resources, wish.moment, now)
    facts = load_facts(resources, "preview")
    if (
        wish.location
        and len(entry.kinds) > 1
        and not any(side.location == wish.location for one in facts for side in one.bindings)
    ):
        raise Refused("There is no such location, or nothing of this is there. Nothing was changed.")
    resolved = _resolve(entry, facts, terms, wish, now)
    return store_plan(person, preapproval, entry, resolved, now, overridden=overridden)


def _resolve(action: Action, newest: tuple[ResourceFacts, ...], terms: Terms, wish: Wish, now: datetime) -> Resolved:
    """What the action would do, with what is known now or was by the chosen moment."""
    facts = newest if wish.moment is None else as_of(newest, wish.moment)
    resolved = action.resolve(with_validity(with_origins(facts, terms.probes), terms.rpki), terms, wish, now)
    if wish.moment is None:
        return resolved
    good = {side.id: side.good for one in newest for side in one.bindings}
    return replace(resolved, older=any(_is_good(one, good[one.binding]) for one in resolved.changes))


def _is_good(change: Change, good: Good | None) -> bool:
    """Whether what is there now is known to be good."""
    return good is not None and same(change.before, good.state)


def _known(resources: Sequence[Resource], moment: datetime, now: datetime) -> None:
    """Raises Refused for a moment that is still to come, or of which nothing is known."""
    if moment > now:
        raise Refused("That moment is still to come. Nothing was changed.")
    first = first_proven(resources)
    if first is None or moment < first:
        known = f"The first that we know of is {first:%d %B %Y, %H:%M:%S} UTC." if first else "Nothing ever was."
        raise Refused(f"Nothing is known to have worked by that moment. {known}")


def find_action(name: str) -> Action:
    """The entry of the catalogue. Raises Refused when there is none of that name."""
    if name not in CATALOGUE:
        raise Refused("There is no such action.")
    return CATALOGUE[name]


def find_preapproval(
    person: Person, organization: Organization, action: str, resources: Sequence[Resource]
) -> Preapproval:
    """A preapproval that this person may use and that covers all of these resources. Raises NotAllowed."""
    wanted = {row.pk for row in resources}
    rows = Preapproval.objects.filter(organization=organization, action=action).select_related("organization")
    for row in rows:
        covered = row.resources.filter(pk__in=wanted).count()
        if covered == len(wanted) and may_use(person, row):
            return row
    raise NotAllowed("You can see this but not change it. Ask an operator of your organization, or call us.")


def store_plan(
    person: Person,
    preapproval: Preapproval,
    action: Action,
    resolved: Resolved,
    now: datetime,
    undo_of: Run | None = None,
    overridden: Sequence[str] = (),
) -> Plan:
    """Freezes what was resolved and stores it with everything that speaks for or against it.

    Args:
        overridden: codes of guards that the person overrides by name; those that do not stop it, or that the
            preapproval does not let them override, are left out.
    """
    value = _value(person, preapproval, action, resolved, now, undo_of)
    findings = _findings(value, resolved, preapproval, person)
    # Only what stops it now: nobody goes on against a check that they were not shown.
    stops = {one.code for one in blockers(findings) if overridable(one, value.terms.overridable)}
    if named := tuple(sorted(stops & set(overridden))):
        second_person = _second_person(person, value.terms, resolved, now, overriding=True)
        expires_at = now + approvals.VALID_FOR
        value = replace(value, overridden=named, second_person=second_person, expires_at=expires_at)
        findings = _findings(value, resolved, preapproval, person)
    return keep_plan(value, findings, preapproval, person, undo_of)


def _value(
    person: Person, preapproval: Preapproval, action: Action, resolved: Resolved, now: datetime, undo_of: Run | None
) -> PlanValue:
    terms = read_terms(preapproval.terms)
    second_person = _second_person(person, terms, resolved, now, overriding=False)
    consent = acting_consent(person, preapproval)
    return PlanValue(
        action=action.name,
        action_version=action.version,
        organization=preapproval.organization.slug,
        person=person.username,
        preapproval=preapproval.digest,
        terms=terms,
        changes=resolved.changes,
        stages=_stages(resolved, terms),
        left_out=resolved.left_out,
        proposed_at=now,
        expires_at=now + (approvals.VALID_FOR if second_person else VALID_FOR),
        undo_of=str(undo_of.pk) if undo_of else "",
        percents=resolved.percents,
        hand_back=resolved.hand_back,
        second_person=second_person,
        consent=str(consent.pk) if consent else "",
        rescue=action.restores and not resolved.older if undo_of is None else not undo_of.rescue,
    )


def _findings(value: PlanValue, resolved: Resolved, preapproval: Preapproval, person: Person) -> tuple[Finding, ...]:
    """Everything that speaks for or against the plan."""
    return (
        *resolved.findings,
        *rehearse(value.changes),
        *_unwatched(value.changes, value.terms),
        *ask_guards(Proposal.of(value), preapproval, person, None, value.proposed_at),
    )


def _stages(resolved: Resolved, terms: Terms) -> tuple[tuple[int, ...], ...]:
    """Kind after kind in the order of the changes: as the action has divided them, or else location by location."""
    divided = {index for stage in resolved.stages for index in stage}
    if len(divided) == len(resolved.changes):
        return resolved.stages
    places = list(Location.objects.values_list("slug", "staging"))
    names, staging = [slug for slug, _ in places], [slug for slug, first in places if first]
    stages: list[tuple[int, ...]] = []
    for _, group in groupby(range(len(resolved.changes)), lambda index: kind_of(resolved.changes[index].aspect)):
        indices = tuple(group)
        if divided.isdisjoint(indices):
            waves = stage_out([resolved.changes[index] for index in indices], names, terms.stages, staging)
            stages += [tuple(indices[index] for index in wave) for wave in waves]
        else:
            stages += [stage for stage in resolved.stages if stage[0] in indices]
    return tuple(stages)


def _second_person(
    person: Person, terms: Terms, resolved: Resolved, now: datetime, *, overriding: bool
) -> tuple[str, ...]:
    """Why it takes a second person, as codes."""
    count = len(resources_of(resolved.changes))
    unknown = bool(terms.on_call) and on_call.now(terms.on_call, person, now) is None
    return approvals.needed(terms, count, on_call_unknown=unknown, overriding=overriding)


def _unwatched(changes: Sequence[Change], terms: Terms) -> Iterator[Finding]:
    """Changes that no probe looks at could never be proven, so they are not made (promise 9)."""
    names = resources_of(changes)
    watched = set(
        Point.objects.filter(resource__in=list(names), probe__slug__in=terms.probes).values_list(
            "resource_id", "location__slug"
        )
    )
    seen = {(str(resource), location) for resource, location in watched}
    blind = sorted({change.name for change in changes if (change.resource, change.location) not in seen})
    for name in blind:
        text = f"We cannot see from outside whether {name} is reachable, so we could not prove that it worked."
        yield blocker("guard.no-probe", text, name)
