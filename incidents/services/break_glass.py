"""One person starts alone what takes two: where the preapproval allows it, told to all, and reviewed afterwards."""

from __future__ import annotations

from datetime import timedelta

from incidents.audit.log import append
from incidents.domain.approvals import NO_MEANS_NO, REVIEW_WITHIN, WORD_ALONE, State, may_agree
from incidents.domain.changes import resources_of
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.plans import Plan as PlanValue
from incidents.engine.approving import human
from incidents.engine.grants import approvers_of
from incidents.models import Approval, Organization, Person, Plan, Review, Run
from incidents.models.clock import database_now
from incidents.services.deciding import begin, decide, entry
from incidents.services.notices import tell
from incidents.services.reasons import need
from incidents.services.start import Consent, check_key, check_plan, find_plan, heard

WHY = "Write why it cannot wait for a second person. It is kept in the audit log, and reviewed."
MOST_WORDS = 500


def break_glass(person: Person, organization: Organization, consent: Consent) -> Run:
    """Starts alone what takes two, where the preapproval allows it: told to everybody who could have agreed, and
    listed for review until another human has looked at it.

    Raises:
        PlanExpired, PlanChanged, NotAllowed, KeyReused, Refused: as `start` does; no reason, the word is missing, it is
            not allowed here, or an earlier one still waits for its review.
    """
    return heard(_break_glass, person, organization, consent)


def _break_glass(person: Person, organization: Organization, consent: Consent) -> Run:
    plan = find_plan(person, organization, consent.digest)
    earlier = Run.objects.filter(plan=plan).first()
    if earlier is not None:
        return earlier
    check_key(plan, consent)
    reason = need(consent.reason, WHY, MOST_WORDS)
    if consent.word.strip().upper() != WORD_ALONE:
        raise Refused(f"Type the word {WORD_ALONE} to say that you go on without a second person.")
    value = check_plan(person, plan, understood=consent.understood, asking=True)
    if value.consent:
        raise NotAllowed("Support does not go on alone for a customer. Ask the customer, or a colleague, to agree.")
    if value.overridden:
        raise NotAllowed("Nobody goes on against checks alone. Ask a second person, or call us.")
    if not (value.second_person and value.terms.break_glass):
        raise NotAllowed("This cannot be started by one person alone. Ask a second person, or call us.")
    _no_review_owed(person)
    _no_fresh_no(plan, value)
    row, made = Approval.objects.get_or_create(
        plan=plan,
        defaults={
            "organization": organization,
            "asked_by": person,
            "asked_at": database_now(),
            "expires_at": plan.expires_at,
            "reason": reason,
            "key": consent.key,
            "request_digest": consent.fingerprint(),
        },
    )
    decide(person, row, State.APPROVED, reason, alone=True)
    append(entry("approval.break-glass", person, row, {"reason": reason, "asked_before": not made}))
    run = begin(row, consent)
    Review.objects.create(run=run, opened_at=database_now())
    told = [person, *approvers_of(plan.preapproval)]
    tell(told, f"{person.title} started {run.reference} alone: {reason}", f"/runs/{run.reference}")
    return run


def _no_review_owed(person: Person) -> None:
    late = Review.objects.filter(done_at=None, opened_at__lt=database_now() - REVIEW_WITHIN)
    mine = human(person)
    rows = late.select_related("run__started_by")
    owed = next((row for row in rows if may_agree(human(row.run.started_by), mine)), None)
    if owed is not None:
        hours = REVIEW_WITHIN // timedelta(hours=1)
        raise Refused(
            f"{owed.run.reference} was started alone more than {hours} hours ago, and it has not been reviewed yet. "
            "Ask a second person, or call us."
        )


def _no_fresh_no(plan: Plan, value: PlanValue) -> None:
    """After a no nobody goes on alone with the same right afterwards, by whatever sign-in and whatever plan."""
    mine = resources_of(value.changes).keys()
    denied = Approval.objects.filter(
        organization=plan.organization_id,
        state=State.DENIED,
        decided_at__gte=database_now() - NO_MEANS_NO,
    ).select_related("decided_by", "plan")
    for row in denied:
        theirs = resources_of(row.plan.thaw().changes).keys()
        if mine & theirs and row.decided_by is not None and row.decided_at is not None:
            said = f"{row.decided_by.title} said no to this at {row.decided_at:%H:%M} UTC"
            raise Refused(f"{said}, so nobody can go on alone now. Call us.")
