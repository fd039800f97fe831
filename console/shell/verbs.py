"""The verbs: each fetches through a door, calls the service that the page calls, and says what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from console.forms import UNREADABLE_MOMENT, read_moment
from console.shell import consenting
from console.shell.consenting import Said
from console.shell.entering import Caller, check_action
from console.shell.proving import prove
from console.shell.telling import home_as_json, run_as_json, tell_home, tell_run
from console.shell.voice import Ends, Halt, Voice
from console.shell.watching import Watching, watch
from incidents.actions.base import Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.changes import resources_of
from incidents.domain.errors import EmptySelector, Refused
from incidents.models import Approval, Organization, Plan, Resource
from incidents.selectors.doors import organizations_of
from incidents.selectors.home import freshness, read_home
from incidents.selectors.preview import Preview, read_preview, read_weight
from incidents.selectors.remedies import everything, repairable
from incidents.selectors.run import read_run
from incidents.services import control
from incidents.services.propose import propose
from incidents.services.undo import UNDO_FOR, propose_undo

MOST_ORGANIZATIONS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an action shall be run on.

    Args:
        organization: slug; may be empty where resources are named.
        broken, everything: the choices of the pages that name no resource.
        location, minutes, at: what was chosen besides.
        override: codes of checks to go on against.
    """

    action: str
    names: Sequence[str] = ()
    organization: str = ""
    broken: bool = False
    everything: bool = False
    location: str = ""
    minutes: int = 0
    at: str = ""
    override: Sequence[str] = ()


def list_broken(caller: Caller, slug: str, voice: Voice) -> Ends:
    """What is broken, in one organization or in all that this person may see."""
    slugs = [slug] if slug else list(organizations_of(caller.person).values_list("slug", flat=True))
    if not slugs:
        raise Halt(Ends.REFUSED, f"{caller.person.username} may see no organization.", "guard.permission")
    now = timezone.now()
    told = []
    for one in slugs[:MOST_ORGANIZATIONS]:
        found = caller.enter(one)
        page = read_home(caller.person, found.row, freshness(now), may_act=found.may_press, now=now)
        voice.say(*tell_home(found.row, page))
        told.append(home_as_json(found.row, page))
    return voice.give(Ends.PROVEN, organizations=told)


def preview(caller: Caller, wanted: Wanted, voice: Voice) -> Ends:
    organization, resources = _choose(caller, wanted)
    return consenting.preview_only(read_preview(_make(caller, organization, resources, wanted)), voice)


def run(caller: Caller, wanted: Wanted, said: Said, how: Watching, voice: Voice) -> Ends:
    organization, resources = _choose(caller, wanted)
    if said.digest:
        page = _stored(organization, said.digest, lambda plan: _is_of(plan, wanted.action, resources))
    else:
        _must_answer(voice)
        page = read_preview(_make(caller, organization, resources, wanted))
    return _begin(caller, organization, page, said, how, voice)


def undo(caller: Caller, reference: str, override: Sequence[str], said: Said, how: Watching, voice: Voice) -> Ends:
    """Without --yes and anybody to answer it is the preview of the undo, for its digest."""
    row = caller.enter_run(reference, "act_for_organization").row
    if said.digest:
        page = _stored(row.organization, said.digest, lambda plan: plan.undo_of_id == row.pk)
    else:
        page = read_preview(propose_undo(caller.person, row, override))
        if not voice.asks and not voice.yes:
            return consenting.preview_only(page, voice)
    return _begin(caller, row.organization, page, said, how, voice)


def confirm(caller: Caller, reference: str, said: Said, how: Watching, voice: Voice) -> Ends:
    """Goes on although it could not be seen from outside that it worked, with a reason that is kept."""
    row = caller.enter_run(reference, "act_for_organization").row
    voice.say(*tell_run(read_run(row, UNDO_FOR, timezone.now())))
    reason = said.reason
    if voice.asks:
        reason = reason or voice.ask("Why do you want to go on without proof?")
        if voice.ask(f"Type {row.reference} to go on:").upper() != row.reference:
            raise Halt(Ends.REFUSED, f"That is not {row.reference}. Nothing was changed.", "shell.not-confirmed")
    elif not voice.yes:
        raise Halt(Ends.WRONG, "Nobody can answer here. Give --reason, and --yes. Nothing was changed.", "shell.no-yes")
    if not reason.strip():
        raise Refused(control.WHY_ON)
    prove(caller.person, read_weight(row.organization, row.plan_id), said.code, voice)
    control.overrule(caller.person, row, reason)
    voice.say(f"{row.reference} goes on without proof.")
    return watch(caller, row.reference, how, voice)


def stop(caller: Caller, reference: str, how: Watching, voice: Voice) -> Ends:
    """No further; what is under way is finished first. Harmless when it is too late."""
    row = caller.enter_run(reference, "act_for_organization").row
    if not row.is_live:
        page = read_run(row, UNDO_FOR, timezone.now())
        voice.say("It has ended already.", *tell_run(page))
        return voice.give(Ends.PROVEN, run=run_as_json(page))
    control.stop(caller.person, row)
    voice.say(f"{row.reference} is asked to stop: what was sent is finished first.")
    return watch(caller, row.reference, how, voice, stopping=True)


def _begin(caller: Caller, organization: Organization, page: Preview, said: Said, how: Watching, voice: Voice) -> Ends:
    consenting.show(page, voice)
    if consenting.nothing_to_do(page):
        return voice.give(Ends.PROVEN, run=None)
    made = consenting.give(caller.person, organization, page, said, voice)
    if isinstance(made, Approval):
        voice.say(f"A second person has to agree, on /approvals/{made.pk}. It begins as soon as they do.")
        return voice.give(Ends.OPEN, approval=str(made.pk))
    voice.say(f"Accepted as {made.reference}.")
    return watch(caller, made.reference, how, voice)


def _choose(caller: Caller, wanted: Wanted) -> tuple[Organization, list[Resource]]:
    """What was named, and nothing else: an unknown, missing or empty selector never means "all"."""
    check_action(wanted.action)
    organization = caller.enter(wanted.organization).row if wanted.organization else None
    several = wanted.broken or wanted.everything
    if several and (wanted.names or organization is None or (wanted.broken and wanted.everything)):
        text = "Name resources, or give --organization with --broken or with --everything. Nothing was changed."
        raise Halt(Ends.WRONG, text, "shell.not-chosen")
    if not several and not wanted.names:
        raise Halt(Ends.WRONG, "Name what to run it on. Nothing was changed.", "shell.not-chosen")
    rows = [] if several else caller.find(wanted.names, organization)
    whose = organization if organization is not None else rows[0].organization
    caller.enter(whose.slug, "act_for_organization", wanted.action)
    if wanted.broken and not CATALOGUE[wanted.action].asks:
        rows = repairable(caller.person, whose, wanted.action)
    elif wanted.everything and len(CATALOGUE[wanted.action].kinds) > 1:
        rows = everything(caller.person, whose, wanted.action)
    if not rows:
        raise EmptySelector("Nothing of that is there to be put right by this. Nothing was changed.")
    return whose, rows


def _make(caller: Caller, organization: Organization, resources: Sequence[Resource], wanted: Wanted) -> Plan:
    moment = read_moment(wanted.at) if wanted.at else None
    if wanted.at and moment is None:
        raise Halt(Ends.WRONG, UNREADABLE_MOMENT, "shell.no-moment")
    wish = Wish(wanted.location, wanted.minutes, moment)
    return propose(caller.person, organization, wanted.action, resources, wish, wanted.override)


def _must_answer(voice: Voice) -> None:
    if not voice.asks:
        text = "Nobody can answer here. Make a preview with act preview, and give its digest with --digest, and --yes."
        raise Halt(Ends.WRONG, f"{text} Nothing was changed.", "shell.no-yes")


def _stored(organization: Organization, digest: str, fits: Callable[[Plan], bool]) -> Preview:
    plan = Plan.objects.filter(digest=digest.strip().lower()[:64], organization=organization).first()
    if plan is None:
        raise Refused("This preview is not known. Nothing was changed. Make a new one.")
    if not fits(plan):
        text = "That digest is of a preview of something else. Nothing was changed."
        raise Halt(Ends.WRONG, text, "shell.other-preview")
    return read_preview(plan)


def _is_of(plan: Plan, action: str, resources: Sequence[Resource]) -> bool:
    changed = {uuid.UUID(key) for key in resources_of(plan.thaw().changes)}
    return plan.action == action and plan.undo_of_id is None and changed <= {row.pk for row in resources}
