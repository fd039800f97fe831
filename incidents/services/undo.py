"""Puts back what a run changed: a new run with a preview, guards and proof of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from incidents.actions.base import Resolved
from incidents.actions.restore_to import LEFT_OUT
from incidents.domain.changes import SHARED, Change, State, same
from incidents.domain.errors import Refused
from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, Severity, blocker, blockers, passed
from incidents.domain.kinds import Kind, kind_of
from incidents.domain.runs import Step
from incidents.domain.terms import Terms, read_terms
from incidents.domain.traffic import not_ready, way_to
from incidents.engine.facts import load_facts
from incidents.engine.made import changes_made, states_of
from incidents.engine.seals import is_ours
from incidents.models import HandBack, Person, Plan, Resource, Run, Target
from incidents.models.clock import database_now
from incidents.services.propose import find_action, find_preapproval, store_plan

# facts/ux.md 7.3: after this the recorded `before` says too little about what is right.
UNDO_FOR = timedelta(hours=24)


def propose_undo(person: Person, run: Run, overridden: Sequence[str] = ()) -> Plan:
    """A plan that puts back the recorded `before` of everything that the run changed.

    Args:
        overridden: codes of guards that the person overrides by name.

    Raises:
        NotAllowed: no preapproval lets this person do it.
        Refused: the run is under way, ended too long ago, or changed nothing.
    """
    now = database_now()
    if run.ended_at is None:
        raise Refused("This run has not ended. Stop it first, or wait until it ends.")
    if now - run.ended_at > UNDO_FOR and not HandBack.objects.filter(run=run, ended_at=None).exists():
        raise Refused("This run ended more than 24 hours ago. It can no longer be undone here. Call us.")
    if _is_for_a_while(run):
        raise Refused(
            "This traffic comes back, or came back, by itself. To move it again, choose a location and a time."
        )
    if not is_ours(run):
        raise Refused("What is stored of this run is not what was run, so it cannot be undone here. Call us.")
    done = changes_made(run)
    if not done:
        raise Refused("This run changed nothing, so there is nothing to undo.")
    resources = list(Resource.objects.filter(pk__in={change.resource for change in done}))
    preapproval = find_preapproval(person, run.organization, run.action, resources)
    facts = load_facts(resources, "preview")
    # A run in steps may have been left at any of them.
    steps = states_of([run])
    ours = {one.binding: steps[one.binding] if one.aspect in SHARED else [one.after] for one in done}
    resolved = _put_back(done, _certain(run), ours, facts)
    if any(change.aspect in SHARED for change in resolved.changes):
        resolved = _in_steps(resolved, facts, read_terms(preapproval.terms))
    return store_plan(person, preapproval, find_action(run.action), resolved, now, undo_of=run, overridden=overridden)


def _is_for_a_while(run: Run) -> bool:
    """Whether it put back what was for a while only: an undo of that would have no end."""
    return run.undo_of is not None and HandBack.objects.filter(run=run.undo_of).exists()


def _in_steps(resolved: Resolved, resources: Sequence[ResourceFacts], terms: Terms) -> Resolved:
    """The same with traffic moved step by step, and held against the capacity that there is now."""
    goals = {change.binding: change.after for change in resolved.changes if change.aspect in SHARED}
    pools = [resource for resource in resources if resource.kind == Kind.POOL]
    way = way_to(pools, goals, terms, also=not_ready)
    others = [change for change in resolved.changes if change.aspect not in SHARED]
    # What was put back after the traffic goes first.
    kinds = [kind_of(change.aspect) for change in resolved.changes]
    before = [one for one in others if kinds.index(kind_of(one.aspect)) < kinds.index(Kind.POOL)]
    after = [one for one in others if one not in before]
    if others and (against := blockers(way.findings)):
        left_out = tuple(replace(one, severity=Severity.WARNING, text=f"{one.text} {LEFT_OUT}") for one in against)
        return Resolved((*before, *after), (*resolved.findings, *left_out))
    stages = tuple(tuple(len(before) + index for index in stage) for stage in way.stages)
    changes = (*before, *way.changes, *after)
    return Resolved(
        changes, (*resolved.findings, *way.findings), stages=stages, percents=way.percents if not others else ()
    )


def _certain(run: Run) -> frozenset[str]:
    """The bindings where the run has seen its change in place."""
    rows = Target.objects.filter(run=run, step__in=(Step.IN_PLACE, Step.VERIFIED))
    return frozenset(str(binding) for binding in rows.values_list("binding_id", flat=True))


def _put_back(
    sent: Sequence[Change],
    certain: frozenset[str],
    ours: Mapping[str, Sequence[State]],
    resources: Sequence[ResourceFacts],
) -> Resolved:
    """The reversed changes; refused wherever the world is not at any step of the run's any more.

    What failed and is still as it was needs no putting back.
    """
    sides = {side.id: side for resource in resources for side in resource.bindings}
    done = [change for change in sent if change.binding in certain or not _is_before(change, sides.get(change.binding))]
    moved = (_moved(change, sides.get(change.binding), ours.get(change.binding, ())) for change in done)
    findings = [finding for finding in moved if finding is not None]
    if not done:
        findings = [blocker("guard.nothing-to-do", "Everything is as it was before that run.")]
    elif not findings:
        findings = [passed("guard.drift", "Nothing has been changed since that run.")]
    # What was brought in place last goes first.
    order = list(dict.fromkeys(kind_of(change.aspect) for change in done))
    backwards = sorted(done, key=lambda change: -order.index(kind_of(change.aspect)))
    return Resolved(tuple(change.reversed() for change in backwards), tuple(findings))


def _is_before(change: Change, side: BindingFacts | None) -> bool:
    return side is not None and side.now is not None and same(side.now, change.before)


def _moved(change: Change, side: BindingFacts | None, ours: Sequence[State]) -> Finding | None:
    if side is None or (side.backend, side.key) != (change.backend, change.key):
        text = f"{change.name} no longer has the same place in our inventory."
    elif side.now is None:
        text = f"{side.location_title} does not answer, so we cannot see how {change.name} is now."
    elif not any(same(side.now, state) for state in ours):
        text = f"{change.name} has been changed in {side.location_title} since that run."
    else:
        return None
    return blocker("guard.drift", text, change.name)
