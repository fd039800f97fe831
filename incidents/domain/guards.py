"""The guards: asked at the preview, at the start, and again just before each effect.

Each has a stable code and a sentence for people. They take what is known (`Circumstances`) and say what speaks
against the plan; they never look anything up. What else is asked (of routes, traffic, snapshots, drift) stands with the
actions and the engine; docs/guards.md has them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from incidents.domain import blast_radius
from incidents.domain.circumstances import Circumstances, Proposal
from incidents.domain.findings import Finding, Severity, blocker, passed

Ask: TypeAlias = Callable[[Proposal, Circumstances, datetime], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Guard:
    """One question.

    Args:
        code: stable; an answer may also carry one that tells more precisely what it is about.
        prevents: the harm that it keeps from happening, as a sentence.
        ask: gives the answers.
        always: asked also of what was agreed to beforehand, such as a hand-back.
        overridable: a preapproval may let people override it by name.
    """

    code: str
    prevents: str
    ask: Ask
    always: bool = False
    overridable: bool = False


def check(proposal: Proposal, known: Circumstances, now: datetime) -> tuple[Finding, ...]:
    """Every guard's answer, in the order in which the page shows them; blockers, warnings and what passed."""
    asked = [guard for guard in GUARDS if guard.always or not known.agreed]
    return tuple(_weigh(guard, finding, proposal) for guard in asked for finding in guard.ask(proposal, known, now))


def overridable(finding: Finding, allowed: tuple[str, ...]) -> bool:
    """Whether people may go on against this, where their preapproval says so of these codes."""
    return finding.code in allowed and finding.code in OVERRIDABLE


def _weigh(guard: Guard, finding: Finding, proposal: Proposal) -> Finding:
    """A blocker that is overridden by name, as the preapproval allows, is a warning that says so."""
    named = finding.code in proposal.overridden and overridable(finding, proposal.terms.overridable)
    if finding.severity is not Severity.BLOCKER or not named:
        return finding
    return replace(finding, severity=Severity.WARNING, text=f"Overridden: {finding.text}")


def _seal(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if not known.sealed:
        yield blocker("guard.seal", "What is stored about this is not what people have agreed to. Call us.")


# What is missing of a second person's consent, for people.
SECOND_PERSON = {
    "approval.missing": "A second person has to agree to this, and nobody has.",
    "approval.revoked": "The second person who agreed to this may no longer do so.",
    "approval.own": "Nobody can be the second person for what they ask for themselves.",
    "approval.same-human": "The second person is the same human as the one who asks.",
    "approval.invited": "Both came here by the same invitations, so somebody else has to agree.",
}


def _second_person(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if known.approval:
        yield blocker("guard.second-person", SECOND_PERSON[known.approval])


def _incident(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if not proposal.terms.in_incident:
        return
    if known.incident_open:
        yield passed("guard.incident", "An incident is open.")
    else:
        yield blocker("guard.incident", "This is allowed only while an incident is open. Call us, and we open one.")


def _on_call(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    """Not knowing is no yes: then it takes a second person, so that a rota that is down keeps nobody from a rescue."""
    if not proposal.terms.on_call:
        return
    if known.on_call:
        yield passed("guard.on-call", "You are on call now.")
    elif known.on_call is False:
        yield blocker("guard.on-call", "This is allowed only to whoever is on call now, and that is not you.")
    elif proposal.second_person:
        text = "We cannot see who is on call now, so a second person has to agree."
        yield Finding("guard.on-call", Severity.WARNING, text)
    else:
        yield blocker("guard.on-call", "We cannot see any more who is on call.")


def _consent(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    consent = known.consent
    if consent is None:
        return
    if not consent.caller:
        yield blocker("guard.consent", "There is no such consent of the customer to this.")
    elif consent.ended_by:
        yield blocker("guard.consent", f"{consent.ended_by} has ended the consent to act for the customer.")
    elif consent.over:
        yield blocker("guard.consent", "The time for which the customer agreed is over. Ask them again.")
    else:
        yield passed("guard.consent", f"{consent.caller} has agreed to this, for the customer.")


def _freeze(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    for one in known.freezes:
        text = f"Runs are paused by {one.by} since {one.since:%H:%M} UTC: {one.because}"
        yield blocker("guard.freeze", text if text.endswith((".", "?")) else f"{text}.")
    if not known.freezes:
        yield passed("guard.freeze", "Nobody has paused runs.")


def _permission(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if known.allowed:
        yield passed("guard.permission", "You may do this.")
    else:
        yield blocker("guard.permission", "You are no longer allowed to do this.")


def _preapproval(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    if known.preapproval != proposal.preapproval:
        text = "The rules for this action have been changed since the preview was made."
        yield blocker("guard.preapproval", text)
    elif not _strangers(proposal, known):
        yield passed("guard.preapproval", "This action was approved beforehand for what it changes.")


def _covered(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    for name in _strangers(proposal, known):
        yield blocker("guard.not-covered", f"{name} is not among the resources that this action may change.", name)


def _strangers(proposal: Proposal, known: Circumstances) -> list[str]:
    return [name for key, name in proposal.resources.items() if key not in known.covered]


def _one_at_a_time(proposal: Proposal, known: Circumstances, now: datetime) -> Iterator[Finding]:
    busy = {key: run for key, run in known.busy.items() if key in proposal.resources}
    for key, run in busy.items():
        name = proposal.resources[key]
        yield blocker("guard.one-at-a-time", f"Another run, {run}, is changing {name}.", name)
    if not busy:
        yield passed("guard.one-at-a-time", "No other run is changing the same thing.")


GUARDS: tuple[Guard, ...] = (
    Guard("guard.seal", "Whoever writes to the database runs what nobody has agreed to.", _seal, always=True),
    Guard("guard.consent", "Support acts for a customer who has not agreed, or no longer does.", _consent),
    Guard("guard.freeze", "Runs go on while people need everything to stand still.", _freeze, always=True),
    Guard("guard.breaker", "Changes that are wrong go on until all is broken.", blast_radius.breaker),
    Guard("guard.permission", "Somebody whose right was taken away still acts.", _permission),
    Guard("guard.preapproval", "A run goes by rules that have been changed since.", _preapproval),
    Guard("guard.not-covered", "A run changes what was never approved.", _covered),
    Guard("guard.second-person", "One person does alone what takes two.", _second_person),
    Guard("guard.incident", "Emergency actions become everyday tools.", _incident),
    Guard("guard.on-call", "Somebody acts who does not follow what is going on.", _on_call),
    Guard("guard.one-at-a-time", "Two runs change the same thing against each other.", _one_at_a_time, always=True),
    Guard(
        "guard.most-resources", "One run changes more than anybody can look at.", blast_radius.size, overridable=True
    ),
    Guard(
        "guard.window-organization",
        "Many small runs do to one customer what one large run may not.",
        blast_radius.window_of_organization,
        overridable=True,
    ),
    Guard(
        "guard.window-location",
        "One location changes more than it can settle.",
        blast_radius.window_of_location,
        overridable=True,
    ),
    Guard(
        "guard.window-zone",
        "The locations that stand in for each other change together.",
        blast_radius.window_of_zone,
        overridable=True,
    ),
    Guard(
        "guard.window-platform",
        "Many customers together do what none of them may.",
        blast_radius.window_of_platform,
        overridable=True,
    ),
    Guard("guard.cool-down", "What does not work is tried again and again.", blast_radius.cool_down, overridable=True),
    Guard("guard.flap", "Other networks ignore a route that comes and goes.", blast_radius.flap, overridable=True),
)
OVERRIDABLE = frozenset(guard.code for guard in GUARDS if guard.overridable)
