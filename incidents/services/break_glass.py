"""One person starts alone what takes two: where the preapproval allows it, told to all, and reviewed afterwards."""

from __future__ import annotations

from datetime import timedelta

from incidents.audit.log import append, recorded
from incidents.domain.approvals import NO_MEANS_NO, REVIEW_WITHIN, WORD, State
from incidents.domain.errors import NotAllowed, Refused
from incidents.engine.grants import approvers_of
from incidents.models import Approval, Organization, Person, Plan, Review, Run
from incidents.models.clock import database_now
from incidents.services.deciding import begin, decide, entry
from incidents.services.notices import tell
from incidents.services.start import Consent, check_plan, find_plan, record_refusal


def break_glass(person: Person, organization: Organization, consent: Consent, word: str) -> Run:
    """Starts alone what takes two, where the preapproval allows it: told to everybody who could have agreed, and
    listed for review until another human has looked at it.

    Raises:
        PlanExpired, PlanChanged, NotAllowed, KeyReused, Refused: as `start` does; no reason, the word is missing, it is
            not allowed here, or an earlier one still waits for its review.
    """
    try:
        with recorded():
            return _break_glass(person, organization, consent, word)
    except Refused as refused:
        record_refusal(person, organization, consent, refused)
        raise


def _break_glass(person: Person, organization: Organization, consent: Consent, word: str) -> Run:
    plan = find_plan(person, organization, consent.digest)
    earlier = Run.objects.filter(plan=plan).first()
    if earlier is not None:
        return earlier
    if not consent.reason.strip():
        raise Refused("Write why it cannot wait for a second person. It is kept in the audit log, and reviewed.")
    if word.strip().upper() != WORD:
        raise Refused(f"Type the word {WORD} to say that you go on without a second person.")
    value = check_plan(person, plan, understood=consent.understood, asking=True)
    if not (value.second_person and value.terms.break_glass):
        raise NotAllowed("This cannot be started by one person alone. Ask a second person, or call us.")
    _no_review_owed(person)
    _no_fresh_no(person, plan)
    row, made = Approval.objects.get_or_create(
        plan=plan,
        defaults={
            "organization": organization,
            "asked_by": person,
            "asked_at": database_now(),
            "expires_at": plan.expires_at,
            "reason": consent.reason,
            "key": consent.key,
            "request_digest": consent.fingerprint(),
        },
    )
    decide(person, row, State.APPROVED, consent.reason, alone=True)
    append(entry("approval.break-glass", person, row, {"reason": consent.reason, "asked_before": not made}))
    run = begin(row, consent)
    Review.objects.create(run=run, opened_at=database_now())
    told = [person, *approvers_of(plan.preapproval)]
    tell(told, f"{person.title} started {run.reference} alone: {consent.reason}", f"/runs/{run.reference}")
    return run


def _no_review_owed(person: Person) -> None:
    late = Review.objects.filter(done_at=None, opened_at__lt=database_now() - REVIEW_WITHIN)
    same = late.filter(run__started_by=person)
    if person.identity:
        same = same | late.filter(run__started_by__identity=person.identity)
    owed = same.select_related("run").first()
    if owed is not None:
        hours = REVIEW_WITHIN // timedelta(hours=1)
        raise Refused(
            f"You started {owed.run.reference} alone more than {hours} hours ago, and it has not been reviewed yet. "
            "Ask a second person, or call us."
        )


def _no_fresh_no(person: Person, plan: Plan) -> None:
    """Who was told no does not go on alone right afterwards, with a plan that reads the same."""
    since = database_now() - NO_MEANS_NO
    denied = Approval.objects.filter(
        state=State.DENIED, decided_at__gte=since, plan__preapproval=plan.preapproval_id, asked_by=person
    ).select_related("decided_by")
    row = denied.first()
    if row is not None and row.decided_by is not None and row.decided_at is not None:
        said = f"{row.decided_by.title} said no to this at {row.decided_at:%H:%M} UTC"
        raise Refused(f"{said}, so you cannot go on alone now. Call us.")
