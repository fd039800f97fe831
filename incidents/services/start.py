"""Starts a run from a plan that a person has read: one transaction, then the doorbell."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from incidents.audit.log import Actor, Entry, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.canonical import digest as digest_of
from incidents.domain.changes import is_up
from incidents.domain.errors import KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.findings import Finding, Severity, blockers
from incidents.domain.guards import Proposal
from incidents.domain.plans import Plan as PlanValue
from incidents.domain.plans import thaw
from incidents.domain.runs import Phase, Step
from incidents.engine import bell
from incidents.engine.circumstances import ask_guards
from incidents.models import (
    Binding,
    Incident,
    Location,
    Organization,
    Person,
    Plan,
    Preapproval,
    ResourceLock,
    Run,
    Target,
)
from incidents.models.bulk import insert
from incidents.models.clock import database_now

# Letters and digits that are not mistaken for each other on the phone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person posted.

    Args:
        digest: of the plan that they read.
        key: idempotency key, made with the form; the same key twice is the same request.
        reason: in their words; may be empty at tier 1.
        understood: whether they ticked the consequence (tier 2).
    """

    digest: str
    key: str
    reason: str = ""
    understood: bool = False

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
    try:
        try:
            return _start_and_wake(person, organization, consent)
        except IntegrityError:
            # Somebody was faster by a moment, with the same key or the same resource: now their run is to be seen.
            return _start_and_wake(person, organization, consent)
    except Refused as refused:
        _record_refusal(person, organization, consent, refused)
        raise


def _start_and_wake(person: Person, organization: Organization, consent: Consent) -> Run:
    with recorded():
        run = _start(person, organization, consent)
        transaction.on_commit(lambda: bell.wake(run.pk), robust=True)
        return run


def _start(person: Person, organization: Organization, consent: Consent) -> Run:
    earlier = _earlier(organization, consent)
    if earlier is not None:
        return earlier
    plan = Plan.objects.filter(digest=consent.digest, organization=organization).first()
    if plan is None:
        raise Refused("This preview is not known. Nothing was changed. Check the new preview below.")
    if plan.proposed_by_id != person.pk:
        raise NotAllowed("This preview was made by somebody else. Check your own preview below.")
    run = Run.objects.filter(plan=plan).first()
    if run is not None:
        # Another tab, the back button, or a form that was loaded again: the plan runs once.
        return run
    now = database_now()
    if now >= plan.expires_at:
        raise PlanExpired("The preview was too old. Nothing was changed. Check the new preview below.")
    value = thaw(bytes(plan.body), plan.digest)
    _check(person, plan, value, consent)
    return _write(person, plan, value, consent)


def _earlier(organization: Organization, consent: Consent) -> Run | None:
    run = Run.objects.filter(organization=organization, idempotency_key=consent.key).first()
    if run is not None and run.request_digest != consent.fingerprint():
        raise KeyReused("This form was sent before with other contents. Nothing was changed this time.")
    return run


def _check(person: Person, plan: Plan, value: PlanValue, consent: Consent) -> None:
    """Everything that can have changed since the preview, by what is known without asking the network."""
    _no_blockers(tuple(Finding.from_json(item) for item in plan.findings))
    if value.terms.tier == 2 and not consent.understood:
        text = "Tick the box to say that you understand what will happen."
        raise Refused(text, (Finding("guard.tick", Severity.BLOCKER, text),))
    _no_drift(value)
    preapproval = Preapproval.objects.filter(pk=plan.preapproval_id).select_related("organization").first()
    proposal = Proposal(value.changes, value.preapproval, value.terms)
    _no_blockers(ask_guards(proposal, preapproval, person, None, database_now()))


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
    moved = [change for change in value.changes if seen.get(int(change.binding)) != change.before]
    if moved:
        text = f"Something changed since the preview: {moved[0].name} is no longer as it was."
        raise PlanChanged(
            f"{text} Nothing was changed. Check the new preview below.",
            (Finding("guard.drift", Severity.BLOCKER, text, moved[0].name),),
        )


def _write(person: Person, plan: Plan, value: PlanValue, consent: Consent) -> Run:
    organization = plan.organization
    incident, opened = Incident.objects.get_or_create(
        organization=organization, closed_at=None, defaults={"opened_at": database_now()}
    )
    now = database_now()
    run = Run.objects.create(
        reference=_reference(),
        organization=organization,
        incident=incident,
        plan=plan,
        action=plan.action,
        undo_of=plan.undo_of,
        started_by=person,
        reason=consent.reason,
        idempotency_key=consent.key,
        request_digest=consent.fingerprint(),
        phase=Phase.ACCEPTED,
        stage_began_at=now,
        accepted_at=now,
        deadline_at=now + value.terms.expire,
        wake_at=Now(),
        lease_until=Now(),
    )
    resources = {change.resource: change.name for change in value.changes}
    insert(ResourceLock, [(uuid.UUID(key),) for key in resources], "resource_id", run_id=run.pk)
    _write_targets(run, value)
    Organization.objects.filter(pk=organization.pk).update(version=F("version") + 1)
    actor = Actor("person", str(person.pk), person.username)
    entries = [] if not opened else [_entry("incident.opened", actor, run, {"incident": incident.reference})]
    accepted: JsonObject = {
        "reference": run.reference,
        "incident": incident.reference,
        "action": run.action,
        "action_version": value.action_version,
        "plan": plan.digest,
        "preapproval": value.preapproval,
        "resources": len(resources),
        "targets": len(value.changes),
        "reason": consent.reason,
        "undo_of": value.undo_of,
    }
    append(*entries, _entry("run.accepted", actor, run, accepted))
    return run


def _write_targets(run: Run, value: PlanValue) -> None:
    locations = dict(Location.objects.values_list("slug", "pk"))
    stage_of = {index: number for number, stage in enumerate(value.stages) for index in stage}
    rows = [
        (
            index,
            stage_of[index],
            uuid.UUID(change.resource),
            locations[change.location],
            int(change.binding),
            is_up(change.after),
        )
        for index, change in enumerate(value.changes)
    ]
    columns = ("index", "stage", "resource_id", "location_id", "binding_id", "up")
    insert(Target, rows, *columns, run_id=run.pk, step=Step.WAITING, changed_at=run.accepted_at)


def _entry(event: str, actor: Actor, run: Run, data: JsonObject) -> Entry:
    return Entry(event, actor, run.organization.slug, str(run.pk), data)


def _reference() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(6))
    return f"RUN-{letters[:4]}-{letters[4:]}"


def _record_refusal(person: Person, organization: Organization, consent: Consent, refused: Refused) -> None:
    with recorded():
        append(
            Entry(
                "run.refused",
                Actor("person", str(person.pk), person.username),
                organization.slug,
                data={
                    "plan": consent.digest[:64],
                    "because": [finding.code for finding in refused.findings] or [type(refused).__name__],
                    "text": str(refused),
                },
            )
        )
