"""What every decision on an approval shares: one counted update with a signature, and the run that may begin by it."""

from __future__ import annotations

from django.db import transaction

from incidents.audit.log import Entry, actor_of, append
from incidents.domain.approvals import State, Statement
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import PlanExpired, Refused
from incidents.domain.findings import Finding, Severity
from incidents.domain.plans import Plan as PlanValue
from incidents.engine import bell
from incidents.engine.grants import approvers_of, holders_of
from incidents.engine.news import show_news
from incidents.engine.seals import seal_approval
from incidents.engine.starting import Order, write_run
from incidents.models import Approval, Person, Plan, Preapproval, Run
from incidents.models.clock import database_now
from incidents.services.notices import tell
from incidents.services.start import Consent, check_plan

DECIDED = "This has been decided already. Nothing was changed by you."


def decide(person: Person, row: Approval, state: State, words: str, *, alone: bool) -> None:
    """By a counted update: of two who answer at once one is heard. Raises PlanExpired, Refused."""
    now = database_now()
    if now >= row.expires_at:
        raise PlanExpired("It was asked too long ago. Nothing was changed. It has to be asked for again.")
    statement, signature = b"", ""
    if state is State.APPROVED:
        said = Statement(str(row.pk), row.plan_id, str(row.asked_by_id), str(person.pk), now, alone)
        statement, signature = seal_approval(said)
    decided = Approval.objects.filter(pk=row.pk, state=State.WAITING).update(
        state=state,
        decided_by=person,
        decided_at=now,
        words=words,
        alone=alone,
        statement=statement,
        signature=signature,
        version=row.version + 1,
    )
    if not decided:
        raise Refused(DECIDED)
    show_news(row.organization_id)


def begin(row: Approval, consent: Consent | None = None) -> Run:
    """The run that was agreed to, in the name of who asked for it."""
    plan = Plan.objects.select_related("organization").get(pk=row.plan_id)
    value = check_plan(row.asked_by, plan, understood=True)
    order = Order(row.asked_by, row.key, row.request_digest, row.reason)
    if consent is not None:
        order = Order(row.asked_by, consent.key, consent.fingerprint(), consent.reason)
    run = write_run(plan, value, order, actor_of(row.asked_by))
    if value.overridden:
        _tell_of_override(row, run, plan.preapproval, value)
    transaction.on_commit(lambda: bell.wake(run.pk), robust=True)
    return run


def _tell_of_override(row: Approval, run: Run, preapproval: Preapproval, value: PlanValue) -> None:
    """Names each guard that was overridden, in the audit log, and to whoever keeps watch over them."""
    checks = [
        finding.as_json()
        for finding in (Finding.from_json(item) for item in run.plan.findings)
        if finding.code in value.overridden and finding.severity is Severity.WARNING
    ]
    data: JsonObject = {"reference": run.reference, "reason": run.reason, "checks": checks}
    append(Entry("guard.overridden", actor_of(row.asked_by), row.organization.slug, str(run.pk), data))
    told = [*approvers_of(preapproval)]
    told += holders_of(row.organization, "manage_people")
    told += holders_of(row.organization, "engineer_organization")
    codes = ", ".join(value.overridden)
    tell(told, f"{row.asked_by.title} went on against {codes}: {run.reason}", f"/runs/{run.reference}")


def entry(event: str, person: Person, row: Approval, data: JsonObject) -> Entry:
    """What the audit log keeps of it: who said it, about which plan, and who had asked."""
    about: JsonObject = {"approval": str(row.pk), "plan": row.plan_id, "asked_by": row.asked_by.username, **data}
    return Entry(event, actor_of(person), row.organization.slug, data=about)
