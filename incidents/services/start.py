"""Starts a run from a plan that a person has read: one transaction, then the doorbell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import IntegrityError, transaction

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import digest as digest_of
from incidents.domain.changes import same
from incidents.domain.circumstances import Proposal
from incidents.domain.errors import KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.findings import Finding, blocker, blockers
from incidents.domain.plans import Plan as PlanValue
from incidents.engine import bell
from incidents.engine.approving import what_is_missing
from incidents.engine.circumstances import ask_guards
from incidents.engine.seals import plan_is_sealed
from incidents.engine.starting import Order, write_run
from incidents.models import (
    Approval,
    Binding,
    Organization,
    Person,
    Plan,
    Preapproval,
    Run,
)
from incidents.models.clock import database_now

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person posted.

    Args:
        digest: of the plan that they read.
        key: idempotency key, made with the form; the same key twice is the same request.
        reason: in their words; may be empty at tier 1.
        understood: whether they ticked the consequence (tier 2).
        word: what they typed (tier 3, or to go on alone).
    """

    digest: str
    key: str
    reason: str = ""
    understood: bool = False
    word: str = ""

    def fingerprint(self) -> str:
        """What must be equal when the key is used again."""
        return digest_of({"digest": self.digest, "reason": self.reason, "understood": self.understood})


def start(person: Person, organization: Organization, consent: Consent) -> Run:
    """Makes the run durable and wakes a worker. The same request again gives the same run.

    Raises:
        KeyReused: the key was used for something else.
        PlanExpired, PlanChanged: the preview is too old, or no longer true; make a new one.
        NotAllowed, Refused: what speaks against it is in `findings`.
    Whatever was refused is in the audit log.
    """
    return heard(_start_and_wake, person, organization, consent)


def heard(
    act: Callable[[Person, Organization, Consent], Made], person: Person, organization: Organization, consent: Consent
) -> Made:
    """Does what a form asks for, in one transaction. What is refused is in the audit log, with every reason."""

    def once() -> Made:
        with recorded():
            return act(person, organization, consent)

    try:
        return again(once)
    except Refused as refused:
        _record_refusal(person, organization, consent, refused)
        raise


def again(act: Callable[[], Made]) -> Made:
    """Does it once more where somebody was faster by a moment, with the same form or the same resource.

    What they did is to be seen by then.
    """
    try:
        return act()
    except IntegrityError:
        return act()


def _start_and_wake(person: Person, organization: Organization, consent: Consent) -> Run:
    run = _start(person, organization, consent)
    transaction.on_commit(lambda: bell.wake(run.pk), robust=True)
    return run


def _start(person: Person, organization: Organization, consent: Consent) -> Run:
    earlier = _earlier(organization, consent)
    if earlier is not None:
        return earlier
    plan = find_plan(person, organization, consent.digest)
    check_key(plan, consent)
    run = Run.objects.filter(plan=plan).first()
    if run is not None:
        # Another tab, the back button, or a form that was loaded again: the plan runs once.
        return run
    value = check_plan(person, plan, understood=consent.understood)
    return write_run(plan, value, Order(person, consent.key, consent.fingerprint(), consent.reason), actor_of(person))


def find_plan(person: Person, organization: Organization, digest: str) -> Plan:
    """The plan that this person has read. Raises NotAllowed, Refused."""
    plan = Plan.objects.filter(digest=digest, organization=organization).first()
    if plan is None:
        raise Refused("This preview is not known. Nothing was changed. Check the new preview below.")
    if plan.proposed_by_id != person.pk:
        raise NotAllowed("This preview was made by somebody else. Check your own preview below.")
    return plan


def check_key(plan: Plan, consent: Consent) -> None:
    """Raises KeyReused when the key of this form belongs to another plan already, run or only asked for."""
    asked = Approval.objects.filter(organization=plan.organization_id, key=consent.key).exclude(plan=plan)
    run = Run.objects.filter(organization=plan.organization_id, idempotency_key=consent.key).exclude(plan=plan)
    if asked.exists() or run.exists():
        raise KeyReused("This form was sent before with other contents. Nothing was changed this time.")


def _earlier(organization: Organization, consent: Consent) -> Run | None:
    run = Run.objects.filter(organization=organization, idempotency_key=consent.key).first()
    if run is not None and run.request_digest != consent.fingerprint():
        raise KeyReused("This form was sent before with other contents. Nothing was changed this time.")
    return run


def check_plan(person: Person, plan: Plan, *, understood: bool, asking: bool = False) -> PlanValue:
    """Everything that can have changed since the preview, by what is known without asking the network.

    Args:
        person: in whose name it would run.
        understood: whether they ticked the consequence.
        asking: whether a second person is only about to be asked, so that their consent is not missed yet.

    Raises PlanExpired, PlanChanged, NotAllowed, Refused.
    """
    now = database_now()
    if not plan_is_sealed(plan):
        text = "What is stored of this preview is not what was shown. Nothing was changed. Call us."
        raise Refused(text, (blocker("guard.seal", text),))
    value = plan.thaw()
    if now >= min(plan.expires_at, value.expires_at):
        raise PlanExpired("The preview was too old. Nothing was changed. Check the new preview below.")
    _no_blockers(tuple(Finding.from_json(item) for item in plan.findings))
    if value.terms.tier == 2 and not understood:
        text = "Tick the box to say that you understand what will happen."
        raise Refused(text, (blocker("guard.tick", text),))
    _no_drift(value)
    preapproval = Preapproval.objects.filter(pk=plan.preapproval_id).select_related("organization").first()
    missing = "" if asking else what_is_missing(plan, value, person)
    _no_blockers(ask_guards(Proposal.of(value), preapproval, person, None, now, approval=missing))
    return value


def _no_blockers(findings: tuple[Finding, ...]) -> None:
    against = blockers(findings)
    if any(finding.code == "guard.permission" for finding in against):
        raise NotAllowed(against[0].text, against)
    if against:
        raise Refused(f"We did not start this. {against[0].text}", against)


def _no_drift(value: PlanValue) -> None:
    """The newest stored observations must still be what the preview showed; the engine looks again itself."""
    seen = dict(
        Binding.objects.filter(pk__in=[change.binding for change in value.changes]).values_list("pk", "seen__state")
    )
    first = {change.binding: change for change in reversed(value.changes)}
    moved = [change for change in first.values() if not same(seen.get(int(change.binding)) or {}, change.before)]
    if moved:
        text = f"Something changed since the preview: {moved[0].name} is no longer as it was."
        raise PlanChanged(
            f"{text} Nothing was changed. Check the new preview below.",
            (blocker("guard.drift", text, moved[0].name),),
        )


def _record_refusal(person: Person, organization: Organization, consent: Consent, refused: Refused) -> None:
    with recorded():
        append(
            Entry(
                "run.refused",
                actor_of(person),
                organization.slug,
                data={
                    "plan": consent.digest[:64],
                    "because": [finding.code for finding in refused.findings] or [type(refused).__name__],
                    "text": str(refused),
                },
            )
        )
