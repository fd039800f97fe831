"""Makes a run durable, whoever starts it: a person, or a hand-back whose time has come."""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from structlog.contextvars import bound_contextvars

from incidents.audit.log import Actor, Entry, append
from incidents.domain.canonical import JsonObject
from incidents.domain.changes import is_up, resources_of
from incidents.domain.findings import Finding
from incidents.domain.plans import Plan as PlanValue
from incidents.domain.runs import Phase, Step
from incidents.engine import hand_backs
from incidents.engine.behalf import on_behalf
from incidents.engine.news import show_news
from incidents.engine.seals import seal_plan, seal_run
from incidents.models import Incident, Location, Person, Plan, Preapproval, ResourceLock, Run, Target
from incidents.models.bulk import insert
from incidents.models.clock import database_now

logger = logging.getLogger(__name__)

# Letters and digits that are not mistaken for each other on the phone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Order:
    """Who asked for the run.

    Args:
        person: in whose name it runs.
        key: idempotency key.
        fingerprint: what must be equal when the key is used again.
        reason: in their words; may be empty.
    """

    person: Person
    key: str
    fingerprint: str
    reason: str


def keep_plan(
    value: PlanValue, findings: Sequence[Finding], preapproval: Preapproval, person: Person, undo_of: Run | None
) -> Plan:
    """Freezes the plan and stores it, with what speaks for and against it."""
    body, digest = value.freeze()
    plan = Plan(
        digest=digest,
        body=body,
        action=value.action,
        organization=preapproval.organization,
        preapproval=preapproval,
        proposed_by=person,
        undo_of=undo_of,
        consent_id=uuid.UUID(value.consent) if value.consent else None,
        findings=[finding.as_json() for finding in findings],
        proposed_at=value.proposed_at,
        expires_at=value.expires_at,
    )
    plan.seal = seal_plan(plan)
    plan.save(force_insert=True)
    return plan


def write_run(plan: Plan, value: PlanValue, order: Order, actor: Actor) -> Run:
    """Makes the run durable: incident, run, targets, locks, hand-back and audit entries. Call it inside `recorded`.

    Raises IntegrityError when another run holds one of the resources, or the key was used.
    """
    organization = plan.organization
    incident, opened = Incident.objects.get_or_create(
        organization=organization, closed_at=None, defaults={"opened_at": database_now()}
    )
    now = database_now()
    run = Run(
        reference=_reference(),
        organization=organization,
        incident=incident,
        plan=plan,
        action=plan.action,
        rescue=value.rescue,
        undo_of=plan.undo_of,
        started_by=order.person,
        reason=order.reason,
        idempotency_key=order.key,
        request_digest=order.fingerprint,
        phase=Phase.ACCEPTED,
        stage_began_at=now,
        accepted_at=now,
        deadline_at=now + _longest(value),
        wake_at=Now(),
        lease_until=Now(),
    )
    run.seal = seal_run(run)
    run.save(force_insert=True)
    resources = resources_of(value.changes)
    insert(ResourceLock, [(uuid.UUID(key),) for key in resources], "resource_id", run_id=run.pk)
    _write_targets(run, value)
    if value.hand_back:
        hand_backs.promise(run, now + timedelta(seconds=value.hand_back))
    show_news(organization.pk)
    told = {"incident": incident.reference, **on_behalf(plan)}
    entries = [] if not opened else [_entry("incident.opened", actor, run, {**told, "by": "a run"})]
    append(*entries, _entry("run.accepted", actor, run, _accepted(run, value)))
    transaction.on_commit(lambda: _tell(run))
    return run


def _tell(run: Run) -> None:
    """The line that leads from the request that asked for a run to what the workers say of it."""
    with bound_contextvars(run_id=str(run.pk)):
        logger.info("%s is accepted: %s", run.reference, run.action)


def _longest(value: PlanValue) -> timedelta:
    """How long the run may take; moving something away never longer than it shall stay away."""
    away = timedelta(seconds=value.hand_back)
    return min(value.terms.expire, away) if value.hand_back else value.terms.expire


def _accepted(run: Run, value: PlanValue) -> JsonObject:
    return {
        "reference": run.reference,
        "incident": run.incident.reference,
        "action": run.action,
        "action_version": value.action_version,
        "plan": run.plan_id,
        "preapproval": value.preapproval,
        "resources": len(resources_of(value.changes)),
        "targets": len(value.changes),
        "reason": run.reason,
        "undo_of": value.undo_of,
        "rescue": value.rescue,
        "overridden": list(value.overridden),
        "hand_back_seconds": value.hand_back,
        "handing_back": value.handing_back,
        **on_behalf(run.plan),
    }


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
