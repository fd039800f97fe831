"""The guards: asked at the preview, at the start, and again just before each effect.

Each has a stable code and a sentence for people. They take what is known (`Circumstances`) and say what speaks
against the plan; they never look anything up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incidents.domain.changes import Change, resources_of
from incidents.domain.findings import Finding, Severity
from incidents.domain.plans import Plan
from incidents.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class CallersConsent:
    """How the consent stands now by which somebody of the operator acts for a customer.

    Args:
        caller: who asked for it; empty when there is no such consent.
        ended_by: how whoever has ended it is called; empty while nobody has.
        over: whether its time is over.
    """

    caller: str
    ended_by: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """One freeze that holds now: who made it, since when, and why."""

    by: str
    since: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What must be known to ask the guards.

    Args:
        allowed: whether the person may act for the organization and use the preapproval, now; with a consent, whether
            they are still somebody who may ask for one.
        preapproval: digest of the preapproval as it is now; empty when it is gone.
        covered: ids of the resources that it covers now.
        busy: id of a resource -> reference of the other live run that is changing it.
        changed_in_organization, changed_on_platform: resources that other runs changed within the windows.
        announced_at: id of a binding -> when we last announced it.
        sealed: whether the run's row, and the preapproval's, are as the console wrote them.
        approval: what is missing of the second person's consent, as a code; empty when nothing is, or none is needed.
        incident_open: whether an incident of the organization is open.
        on_call: whether the person is on call by the rota of the terms; None when nobody can tell, or none is named.
        agreed: whether this was agreed to beforehand: a hand-back must come even when its person has left since, the
            rules have changed, or much else was changed lately. Then only the guards of the moment count.
        consent: how the consent stands that the plan leans on; None where it leans on none.
        freezes: those that hold for everyone, for this organization or for this action.
    """

    allowed: bool
    preapproval: str
    covered: frozenset[str]
    busy: Mapping[str, str] = field(default_factory=dict)
    changed_in_organization: int = 0
    changed_on_platform: int = 0
    announced_at: Mapping[str, datetime] = field(default_factory=dict)
    agreed: bool = False
    sealed: bool = True
    approval: str = ""
    incident_open: bool = False
    on_call: bool | None = None
    consent: CallersConsent | None = None
    freezes: tuple[Frozen, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the guards are asked about: the changes, and what they lean on.

    Args:
        preapproval: its digest.
        organization: slug; `action` its name in the catalogue: what a freeze speaks of.
        consent: id of the caller's consent; empty where there is none.
        second_person: whether the plan takes one.
    """

    changes: tuple[Change, ...]
    preapproval: str
    terms: Terms
    organization: str = ""
    action: str = ""
    consent: str = ""
    second_person: bool = False

    @classmethod
    def of(cls, plan: Plan, changes: tuple[Change, ...] | None = None) -> Proposal:
        """What a plan proposes: all of its changes, or only these."""
        chosen = plan.changes if changes is None else changes
        return cls(
            chosen,
            plan.preapproval,
            plan.terms,
            plan.organization,
            plan.action,
            plan.consent,
            second_person=bool(plan.second_person),
        )

    @property
    def resources(self) -> dict[str, str]:
        """Id -> name of every resource that is changed."""
        return resources_of(self.changes)


def check(proposal: Proposal, known: Circumstances, now: datetime) -> tuple[Finding, ...]:
    """Every guard's answer, in the order in which the page shows them; blockers, warnings and what passed."""
    if known.agreed:
        return (*_seal(known), *_freeze(known), *_one_at_a_time(proposal, known))
    return (
        *_seal(known),
        *_consent(known),
        *_freeze(known),
        *_permission(known),
        *_preapproval(proposal, known),
        *_second_person(known),
        *_incident(proposal, known),
        *_on_call(proposal, known),
        *_one_at_a_time(proposal, known),
        *_size(proposal),
        *_windows(proposal, known),
        *_flap(proposal, known, now),
    )


def _seal(known: Circumstances) -> Iterator[Finding]:
    if not known.sealed:
        yield _blocker("guard.seal", "What is stored about this is not what people have agreed to. Call us.")


# What is missing of a second person's consent, for people.
SECOND_PERSON = {
    "approval.missing": "A second person has to agree to this, and nobody has.",
    "approval.revoked": "The second person who agreed to this may no longer do so.",
    "approval.own": "Nobody can be the second person for what they ask for themselves.",
    "approval.same-human": "The second person is the same human as the one who asks.",
    "approval.invited": "Both came here by the same invitations, so somebody else has to agree.",
}


def _second_person(known: Circumstances) -> Iterator[Finding]:
    if known.approval:
        yield _blocker("guard.second-person", SECOND_PERSON[known.approval])


def _incident(proposal: Proposal, known: Circumstances) -> Iterator[Finding]:
    if not proposal.terms.in_incident:
        return
    if known.incident_open:
        yield Finding("guard.incident", Severity.PASSED, "An incident is open.")
    else:
        yield _blocker("guard.incident", "This is allowed only while an incident is open. Call us, and we open one.")


def _on_call(proposal: Proposal, known: Circumstances) -> Iterator[Finding]:
    """Not knowing is no yes: then it takes a second person, so that a rota that is down keeps nobody from a rescue."""
    if not proposal.terms.on_call:
        return
    if known.on_call:
        yield Finding("guard.on-call", Severity.PASSED, "You are on call now.")
    elif known.on_call is False:
        yield _blocker("guard.on-call", "This is allowed only to whoever is on call now, and that is not you.")
    elif proposal.second_person:
        text = "We cannot see who is on call now, so a second person has to agree."
        yield Finding("guard.on-call", Severity.WARNING, text)
    else:
        yield _blocker("guard.on-call", "We cannot see any more who is on call.")


def _consent(known: Circumstances) -> Iterator[Finding]:
    consent = known.consent
    if consent is None:
        return
    if not consent.caller:
        yield _blocker("guard.consent", "There is no such consent of the customer to this.")
    elif consent.ended_by:
        yield _blocker("guard.consent", f"{consent.ended_by} has ended the consent to act for the customer.")
    elif consent.over:
        yield _blocker("guard.consent", "The time for which the customer agreed is over. Ask them again.")
    else:
        yield Finding("guard.consent", Severity.PASSED, f"{consent.caller} has agreed to this, for the customer.")


def _freeze(known: Circumstances) -> Iterator[Finding]:
    for one in known.freezes:
        text = f"Runs are paused by {one.by} since {one.since:%H:%M} UTC: {one.because}"
        yield _blocker("guard.freeze", text if text.endswith((".", "?")) else f"{text}.")
    if not known.freezes:
        yield Finding("guard.freeze", Severity.PASSED, "Nobody has paused runs.")


def _permission(known: Circumstances) -> Iterator[Finding]:
    if known.allowed:
        yield Finding("guard.permission", Severity.PASSED, "You may do this.")
    else:
        yield _blocker("guard.permission", "You are no longer allowed to do this.")


def _preapproval(proposal: Proposal, known: Circumstances) -> Iterator[Finding]:
    if known.preapproval != proposal.preapproval:
        yield _blocker("guard.preapproval", "The rules for this action have been changed since the preview was made.")
    strangers = [name for key, name in proposal.resources.items() if key not in known.covered]
    for name in strangers:
        yield _blocker("guard.not-covered", f"{name} is not among the resources that this action may change.", name)
    if not strangers and known.preapproval == proposal.preapproval:
        yield Finding("guard.preapproval", Severity.PASSED, "This action was approved beforehand for what it changes.")


def _one_at_a_time(proposal: Proposal, known: Circumstances) -> Iterator[Finding]:
    busy = {key: run for key, run in known.busy.items() if key in proposal.resources}
    for key, run in busy.items():
        name = proposal.resources[key]
        yield _blocker("guard.one-at-a-time", f"Another run, {run}, is changing {name}.", name)
    if not busy:
        yield Finding("guard.one-at-a-time", Severity.PASSED, "No other run is changing the same thing.")


def _size(proposal: Proposal) -> Iterator[Finding]:
    count, most = len(proposal.resources), proposal.terms.most_resources
    if count > most:
        yield _blocker("guard.most-resources", f"This would change {count} at once. The limit is {most} in one run.")
    else:
        yield Finding("guard.most-resources", Severity.PASSED, f"It changes {count}. The limit is {most} in one run.")


def _windows(proposal: Proposal, known: Circumstances) -> Iterator[Finding]:
    count, terms = len(proposal.resources), proposal.terms
    windows = (
        ("guard.window-organization", "for you", known.changed_in_organization, terms.organization_window),
        ("guard.window-platform", "for all customers together", known.changed_on_platform, terms.platform_window),
    )
    for code, whose, already, window in windows:
        if already + count > window.most:
            yield _blocker(
                code,
                f"{already} were changed {whose} in the last {window.minutes} minutes. With these {count} it would be "
                f"more than the limit of {window.most}.",
            )
        else:
            text = f"The limit of changes within {window.minutes} minutes {whose} is kept."
            yield Finding(code, Severity.PASSED, text)


def _flap(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    """Withdrawals wait; announcements never do, but a second one within the window is warned of.

    RFC 7196 and the vendors' defaults: a neighbour may suppress a route that is withdrawn again within 15 minutes,
    and would keep it suppressed for up to an hour. The first announcement adds no such penalty.
    """
    for change in proposal.changes:
        announced = known.announced_at.get(change.binding) if change.aspect == "route" else None
        if announced is None or now >= announced + proposal.terms.flap:
            continue
        said = f"{change.name} was announced at {announced:%H:%M} UTC"
        if change.after.get("advertised") is False:
            safe_at = announced + proposal.terms.flap
            text = f"{said}. Taking it back before {safe_at:%H:%M} UTC could make other networks ignore it for an hour."
            yield _blocker("guard.flap", text, change.name)
        else:
            text = f"{said} and has been lost since. Some networks may ignore it for up to an hour even so."
            yield Finding("guard.flap", Severity.WARNING, text, change.name)
        return


def _blocker(code: str, text: str, subject: str = "") -> Finding:
    return Finding(code, Severity.BLOCKER, text, subject)
