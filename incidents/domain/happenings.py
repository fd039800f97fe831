"""Every event that the audit log can hold: how it ended, and a plain sentence of it. A test greps the code for events.

A sentence names in braces what it takes from the entry: `{who}`, `{organization}` and the facts by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from string import Formatter

from incidents.domain.canonical import Json, JsonObject

# A sentence does not name more than this; the entry does.
MOST_NAMES = 3
LONGEST = 300
UNSAID = "(not said)"


class Outcome(StrEnum):
    """What a reviewer sifts by: whether what was tried came about."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


DONE, FAILED, REFUSED, UNKNOWN = Outcome.DONE, Outcome.FAILED, Outcome.REFUSED, Outcome.UNKNOWN
INVENTORY_KINDS = {
    "location": "location",
    "backend": "backend",
    "probe": "probe",
    "organization": "organization",
    "resource": "resources",
    "binding": "bindings",
    "watch": "points of measurement",
    "person": "person",
    "rota": "rota",
    "preapproval": "preapproval",
    "channel": "channel",
    "notify": "who is told what",
}
VERBS = ("added", "changed", "removed")

EVENTS: dict[str, tuple[Outcome, str]] = {
    "access.denied": (REFUSED, "{who} asked for {what} and was told that there is no such page."),
    "approval.asked": (DONE, "{who} asked a second person to agree to a plan: {reason}"),
    "approval.break-glass": (DONE, "{who} went on without a second person: {reason}"),
    "approval.denied": (REFUSED, "{who} did not agree to the plan of {asked_by}: {words}"),
    "approval.given": (DONE, "{who} agreed, as a second person, to the plan of {asked_by}."),
    "approval.refused": (REFUSED, "The yes of {who} to the plan of {asked_by} did not count: {text}"),
    "approval.withdrawn": (DONE, "{who} took back the question to a second person."),
    "audit.exported": (DONE, "{who} took a copy of entries of this log ({format})."),
    "audit.read": (DONE, "{who} opened entry {entry} of this log."),
    "audit.searched": (DONE, "{who} searched this log."),
    "audit.verified": (DONE, "{who} read all of this log again: {good} of {size} entries are unchanged and in order."),
    "breaker.closed": (DONE, "{who} looked at what had stopped an action for everybody, and let it go on."),
    "breaker.opened": (REFUSED, "{action} was stopped for everybody, because too much went wrong: {because}"),
    "company.degraded": (FAILED, "The company's sign-in did not work: {text}"),
    "company.untrue": (REFUSED, "The company's sign-in said something that is not to be believed: {why}"),
    "consent.ended": (DONE, "The consent of a caller of {organization} ended."),
    "consent.recorded": (DONE, "{who} wrote down what a caller of {organization} agreed to: {agreed}"),
    "diagnosis.changed": (DONE, "What is seen of {resources} changed to: {damage}."),
    "engineer-entry.noted": (DONE, "{who} wrote to the customer about {resource}: {note}"),
    "engineer-entry.taken": (DONE, "{who} took on the repair of {resource}."),
    "factor.added": (DONE, "{who} added a way to sign in ({factor})."),
    "factor.removed": (DONE, "{who} removed a way to sign in ({factor})."),
    "factor.resealed": (DONE, "{who} locked {count} stored sign-in secrets with the new key."),
    "factor.reset": (DONE, "{who} removed every second factor of {person}: {reason}"),
    "audit.fence-raised": (DONE, "{who} set up again what the database lacked to refuse changes: {down}."),
    "freeze.lifted": (DONE, "{who} let runs go on again."),
    "freeze.set": (DONE, "{who} paused runs: {because}"),
    "guard.overridden": (DONE, "{who} went on although checks spoke against it: {reason}"),
    "hand-back.began": (DONE, "What was moved for a while by {reference} began to come back, by {run}."),
    "hand-back.ended": (DONE, "What {reference} moved for a while does not come back by itself any more: {because}"),
    "hand-back.extended": (DONE, "{who} let what {reference} moved stay away for longer."),
    "hand-back.waits": (FAILED, "What {reference} moved could not come back yet: {because}"),
    "incident.closed": (DONE, "{who} closed incident {incident}: {because}"),
    "incident.declared": (DONE, "{who} opened incident {incident} by hand."),
    "incident.exported": (DONE, "{who} took a copy of the timeline of incident {incident}: {events} events."),
    "incident.noted": (DONE, "{who} wrote in incident {incident}: {text}"),
    "incident.opened": (DONE, "Incident {incident} was opened by {by}."),
    "incident.reopened": (DONE, "Incident {incident} was reopened by {by}: {because}"),
    "inventory.applied": (
        DONE,
        "{who} applied revision {revision} of the inventory: {added} added, {changed} changed, {removed} removed.",
    ),
    "inventory.preapproval.covered": (DONE, "Preapproval {name} covers {resources} from now on."),
    "inventory.preapproval.uncovered": (DONE, "Preapproval {name} covers {resources} no more."),
    "inventory.rights.changed": (DONE, "The group {group} now holds over everything: {after}."),
    "inventory.role.set-aside": (DONE, "The inventory set aside what {by} had decided on the role of {person}."),
    "inventory.role.settled": (DONE, "The inventory now agrees with what {by} decided on the role of {person}."),
    "invitation.withdrawn": (DONE, "The invitation of {person} to {organization} was withdrawn."),
    "notice.given-up": (FAILED, "A notice ({kind}) could not be brought to {to}: {detail}"),
    "notice.tested": (DONE, "{who} tried the channel {channel}."),
    "password.changed": (DONE, "{who} changed their password."),
    "person.invited": (DONE, "{who} invited {person} to {organization}."),
    "person.joined": (DONE, "{who} accepted the invitation to {organization}."),
    "person.removed": (DONE, "{who} removed {person} from {organization}."),
    "person.role-changed": (DONE, "{who} changed the role of {person} in {organization} from {before} to {after}."),
    "recovery-code.used": (DONE, "{who} signed in with a recovery code; {left} are left."),
    "review.finished": (DONE, "{who} reviewed {reference}: {found}"),
    "run.accepted": (DONE, "{who} started run {reference} ({action}): {reason}"),
    "run.began": (DONE, "Run {reference} was taken up, and what is seen from outside was measured."),
    "run.errored": (FAILED, "Run {reference} ended because our own software broke."),
    "run.expired": (FAILED, "Run {reference} ended because its time was over."),
    "run.failed": (FAILED, "Run {reference} ended without success: {because}"),
    "run.refused": (REFUSED, "What {who} wanted to start was refused: {text}"),
    "run.stop-asked": (DONE, "{who} stopped run {reference}."),
    "run.stopped": (REFUSED, "Run {reference} was stopped: {because}"),
    "run.succeeded": (DONE, "Run {reference} succeeded, and that was proven from outside."),
    "session.began": (DONE, "{who} signed in."),
    "session.confirmed": (DONE, "{who} showed once more who they are."),
    "session.ended": (DONE, "{who} was signed out."),
    "session.limited": (REFUSED, "Too many tries to sign in came from one network."),
    "session.refused": (REFUSED, "{who} tried to sign in and could not."),
    "stage.passed": (DONE, "Run {reference} finished stage {stage} and went on."),
    "target.answered": (DONE, "The control system at {location} answered about {resources}: {reply}."),
    "target.attempted": (DONE, "The change of {resources} at {location} was about to be sent."),
    "target.came-undone": (FAILED, "The change of {resources} at {location} was in place and is not any more."),
    "target.failed": (FAILED, "The change of {resources} at {location} could not be made: {because}"),
    "target.in_place": (DONE, "The change of {resources} at {location} was seen to be in place."),
    "target.skipped": (FAILED, "{resources} at {location} was left out, because that location does not answer."),
    "token.made": (DONE, "{who} made the token {token} ({name}) for a program."),
    "token.refused": (REFUSED, "Somebody used the token {token} ({name}), which is not valid any more."),
    "token.revoked": (DONE, "{who} revoked the token {token} ({name})."),
    "token.used": (DONE, "A program of {who} used the token {token} ({name}): {verb} {about}."),
    "verdict.overruled": (DONE, "{who} let run {reference} go on without proof: {reason}"),
    "verdict.recorded": (DONE, "Seen from outside, stage {stage} of run {reference} was judged: {verdict}."),
    **{
        f"inventory.{kind}.{verb}": (DONE, f"The inventory {verb} {noun}: {{named}}.")
        for kind, noun in INVENTORY_KINDS.items()
        for verb in VERBS
    },
}
# What the facts say of an event that can end in several ways.
BY_FACT: dict[str, tuple[str, Mapping[str, Outcome]]] = {
    "verdict.recorded": ("verdict", {"fail": FAILED, "inconclusive": UNKNOWN, "error": UNKNOWN}),
    "target.answered": ("reply", {"refused": REFUSED, "not_sent": FAILED, "unanswered": UNKNOWN}),
}


def outcome_of(event: str, data: JsonObject) -> Outcome:
    """How it ended; an event that nobody has written down here has happened, so it counts as done."""
    if event in BY_FACT:
        name, outcomes = BY_FACT[event]
        return outcomes.get(str(data.get(name, "")), DONE)
    return EVENTS[event][0] if event in EVENTS else DONE


def sentence_of(event: str, who: str, organization: str, data: JsonObject) -> str:
    """What happened, for people. Of an event without a sentence its name, so that nothing is ever left out.

    Args:
        who: the actor's name, or what a process of ours is called.
        data: the facts of the entry.
    """
    if event not in EVENTS:
        return f"{who}: {event}."
    named: Json = data.get("name") or data.get("names") or list(_keys(data.get("fields")))
    facts = {**data, "who": who, "organization": organization or UNSAID, "named": named}
    told = "".join(
        literal + (_spoken(facts.get(name)) if name else "")
        for literal, name, _, _ in Formatter().parse(EVENTS[event][1])
    )
    return told[:LONGEST] + ("…" if len(told) > LONGEST else "")


def _keys(value: Json) -> list[str]:
    return [str(key) for key in value] if isinstance(value, Mapping) else []


def _spoken(value: Json) -> str:
    if isinstance(value, (list, tuple)):
        names = [str(item) for item in value[:MOST_NAMES]]
        more = len(value) - len(names)
        return (", ".join(names) or UNSAID) + (f" and {more} more" if more else "")
    return UNSAID if value is None or value == "" else str(value)
