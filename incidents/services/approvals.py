"""A second person is asked, and agrees or refuses.

What is agreed to is one plan by its digest. Every answer is final: a plan that was refused never runs, and one that the
world has overtaken has to be proposed and asked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from incidents.audit.log import append, recorded
from incidents.domain.approvals import State, may_agree, word_to_ask
from incidents.domain.errors import KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.findings import blocker
from incidents.domain.guards import SECOND_PERSON
from incidents.engine.approving import human
from incidents.engine.grants import may_approve
from incidents.engine.news import show_news
from incidents.models import Approval, Organization, Person, Plan, Run
from incidents.models.clock import database_now
from incidents.services.deciding import begin, decide, entry
from incidents.services.limits import Limit, may
from incidents.services.notices import tell
from incidents.services.reasons import need
from incidents.services.start import Consent, again, check_key, check_plan, find_plan, heard

Answered = TypeVar("Answered")

WHY = "Write why you want to do this. The second person reads it, and it is kept in the audit log."
MOST_WORDS = 500
# The same refusal of one person's answer is written down once in so many seconds.
ONCE = Limit(1, 60)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the second person posted.

    Args:
        digest: of the plan that their page showed.
        words: what they say with it; must be there for a no.
    """

    digest: str
    words: str = ""


def ask(person: Person, organization: Organization, consent: Consent) -> Approval:
    """Asks for a second person. The same request again gives the same approval.

    Raises:
        PlanExpired, PlanChanged, NotAllowed, KeyReused, Refused: as `start` does; or no reason, or none is needed.
    Whatever was refused is in the audit log.
    """
    return heard(_ask, person, organization, consent)


def _ask(person: Person, organization: Organization, consent: Consent) -> Approval:
    plan = find_plan(person, organization, consent.digest)
    check_key(plan, consent)
    earlier = _earlier(plan, consent)
    if earlier is not None:
        return earlier
    reason = need(consent.reason, WHY, MOST_WORDS)
    value = check_plan(person, plan, understood=consent.understood, asking=True)
    if not value.second_person:
        raise Refused("This does not need a second person. Nothing was changed. Check the new preview below.")
    word = word_to_ask(value.terms.tier, overriding=bool(value.overridden))
    if word and consent.word.strip().upper() != word:
        raise Refused(f"Type the word {word} to say that you know how serious this is.")
    row = Approval.objects.create(
        plan=plan,
        organization=organization,
        asked_by=person,
        asked_at=database_now(),
        expires_at=plan.expires_at,
        reason=reason,
        key=consent.key,
        request_digest=consent.fingerprint(),
    )
    show_news(organization.pk)
    append(entry("approval.asked", person, row, {"because": list(value.second_person), "reason": reason}))
    return row


def _earlier(plan: Plan, consent: Consent) -> Approval | None:
    """What was asked about this plan before; a form that says something else under the same key is refused."""
    row = Approval.objects.filter(plan=plan).first()
    if row is not None and row.key == consent.key and row.request_digest != consent.fingerprint():
        raise KeyReused("This form was sent before with other contents. Nothing was changed this time.")
    return row


def approve(person: Person, row: Approval, answer: Answer) -> Run:
    """The second person agrees, and the run begins in the name of who asked for it.

    Raises:
        NotAllowed: this person may not agree to it, or who asked may no longer do it; the latter is final.
        PlanChanged, PlanExpired: the world has moved on, which is final for this plan.
        Refused: it is decided already, or something stands in the way that may pass.
    Whatever was refused is in the audit log; so it is for the other answers.
    """

    def agree() -> Run:
        _must_agree(person, row)
        _same_plan(row, answer)
        with recorded():
            decide(person, row, State.APPROVED, answer.words, alone=False)
            append(entry("approval.given", person, row, {"words": answer.words}))
            run = begin(row)
            tell([row.asked_by], f"{person.title} agreed, and {run.reference} has begun.", f"/runs/{run.reference}")
            return run

    return _answer(person, row, agree)


def deny(person: Person, row: Approval, answer: Answer) -> None:
    """The second person refuses. Final: this plan will never run.

    Raises:
        NotAllowed: this person may not answer.
        Refused: no words, or it is decided already.
    """

    def refuse() -> None:
        _must_agree(person, row)
        _same_plan(row, answer)
        words = need(answer.words, "Write why not. The person who asked reads it.", MOST_WORDS)
        with recorded():
            decide(person, row, State.DENIED, words, alone=False)
            append(entry("approval.denied", person, row, {"words": words}))
            tell([row.asked_by], f"{person.title} did not agree: {words}", f"/approvals/{row.pk}")

    _answer(person, row, refuse)


def withdraw(person: Person, row: Approval) -> None:
    """Whoever asked does not want it any more. Raises NotAllowed, Refused."""

    def take_back() -> None:
        if person.pk != row.asked_by_id:
            raise NotAllowed("Only the person who asked can take it back.")
        with recorded():
            decide(person, row, State.WITHDRAWN, "", alone=False)
            append(entry("approval.withdrawn", person, row, {}))

    _answer(person, row, take_back)


def _answer(person: Person, row: Approval, act: Callable[[], Answered]) -> Answered:
    """Does what was answered, and writes down why not where it is refused."""
    try:
        return again(act)
    except Refused as refused:
        _record(person, row, refused)
        raise


def _must_agree(person: Person, row: Approval) -> None:
    against = may_agree(human(row.asked_by), human(person))
    if against:
        text = SECOND_PERSON[against]
        raise NotAllowed(f"{text} Nothing was changed.", (blocker(against, text),))
    if not may_approve(person, row.plan.preapproval):
        raise NotAllowed("You can see this but not agree to it.")


def _same_plan(row: Approval, answer: Answer) -> None:
    if answer.digest != row.plan_id:
        text = "Your page showed another plan. Nothing was changed. Read this one."
        raise Refused(text, (blocker("approval.other-plan", text),))


def _record(person: Person, row: Approval, refused: Refused) -> None:
    """Nothing of the answer was kept. Where the plan is no longer true, or no longer allowed, it never will run."""
    because = [finding.code for finding in refused.findings] or [type(refused).__name__]
    final = isinstance(refused, (PlanChanged, PlanExpired)) or "guard.permission" in because
    if not final and not may(ONCE, "answer", str(row.pk), str(person.pk), because[0]):
        return  # told a moment ago, and nobody shall fill the log by saying the same again
    with recorded():
        waiting = Approval.objects.filter(pk=row.pk, state=State.WAITING)
        if final and waiting.update(state=State.OVERTAKEN, words=str(refused), version=row.version + 1):
            show_news(row.organization_id)
        append(entry("approval.refused", person, row, {"because": because, "text": str(refused), "final": final}))
