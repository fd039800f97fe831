"""What waits for a second person, what was said, what is to be reviewed, and what people are told."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet

from incidents.actions.catalogue import CATALOGUE
from incidents.domain.approvals import State, may_agree
from incidents.engine.approving import human
from incidents.engine.grants import on_preapproval
from incidents.models import Approval, Notice, Organization, Person, Review
from incidents.selectors.doors import organizations_of, supported_by
from incidents.selectors.preview import Preview, read_preview
from incidents.selectors.runs import verb_of, what_of

# A list longer than this helps nobody; the rest comes up when these are done.
MOST = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of a list: what is asked for, by whom, until when."""

    id: uuid.UUID
    organization: str
    verb: str
    what: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """The page of one approval.

    Args:
        plan: exactly what would run.
        state: as stored, or `expired` when nobody answered in time.
        why: codes of why a second person is asked for.
        mine: whether this person asked for it.
        may_decide: whether this person may be the second one.
        run: reference of the run that began by it; empty when none did.
    """

    id: uuid.UUID
    plan: Preview
    organization: str
    state: str
    why: tuple[str, ...]
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    words: str
    alone: bool
    mine: bool
    may_decide: bool
    run: str

    @property
    def waits(self) -> bool:
        return self.state == State.WAITING


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One run that one person started alone, and what its reviewer has found; `outcome` is empty while it is live."""

    id: int
    reference: str
    organization: str
    verb: str
    what: str
    by: str
    at: datetime
    reason: str
    phase: str
    outcome: str
    because: str
    done_at: datetime | None
    done_by: str
    found: str


EXPIRED = "expired"


def state_of(row: Approval, now: datetime) -> str:
    """What there is to say of it now: as stored, or `expired` when nobody answered in time."""
    return EXPIRED if row.state == State.WAITING and now >= row.expires_at else row.state


def read_approval_page(person: Person, row: Approval, *, approves: bool, now: datetime) -> ApprovalPage:
    """Seven queries, however large the plan.

    Args:
        approves: whether the person holds the right to agree within the plan's preapproval.
    """
    run = getattr(row.plan, "run", None)
    return ApprovalPage(
        id=row.pk,
        plan=read_preview(row.plan),
        organization=row.organization.title,
        state=state_of(row, now),
        why=row.plan.thaw().second_person,
        reason=row.reason,
        asked_by=str(row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        decided_by=str(row.decided_by or ""),
        decided_at=row.decided_at,
        words=row.words,
        alone=row.alone,
        mine=row.asked_by_id == person.pk,
        may_decide=approves and not may_agree(human(row.asked_by), human(person)),
        run=run.reference if run else "",
    )


def waiting_for(person: Person, now: datetime) -> tuple[Waiting, ...]:
    """What waits for this person's yes or no, the oldest first, and what they have asked for themselves."""
    approves = on_preapproval(person.pk, "approve_preapproval", OuterRef("plan__preapproval"))
    rows = _waiting(now).filter(approves | Q(asked_by=person), organization__in=organizations_of(person))
    asked = human(person)
    lines = [
        _line(row, mine=row.asked_by_id == person.pk)
        for row in rows[:MOST]
        if row.asked_by_id == person.pk or not may_agree(human(row.asked_by), asked)
    ]
    return tuple(lines)


def waiting_in(organization: Organization, person: Person, now: datetime) -> tuple[Waiting, ...]:
    """What waits for a second person in one organization. One query."""
    rows = _waiting(now).filter(organization=organization)
    return tuple(_line(row, mine=row.asked_by_id == person.pk) for row in rows[:MOST])


def _waiting(now: datetime) -> QuerySet[Approval]:
    rows = Approval.objects.filter(state=State.WAITING, expires_at__gt=now).order_by("asked_at")
    return rows.select_related("organization", "asked_by", "plan")


def _line(row: Approval, *, mine: bool) -> Waiting:
    value = row.plan.thaw()
    return Waiting(
        id=row.pk,
        organization=row.organization.title,
        verb="Undo" if value.undo_of else CATALOGUE[row.plan.action].words.verb,
        what=what_of(value),
        asked_by=str(row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        mine=mine,
    )


def reviews_for(person: Person) -> tuple[ReviewLine, ...]:
    """Runs that one person started alone, in organizations that this person reviews; those to be done first."""
    rows = Review.objects.filter(run__organization__in=supported_by(person, "review_organization"))
    rows = rows.select_related("run__organization", "run__started_by", "run__plan__approval", "done_by")
    return tuple(_review(row) for row in rows.order_by(F("done_at").desc(nulls_first=True), "opened_at")[:MOST])


def read_review(row: Review) -> tuple[ReviewLine, Preview]:
    """One of them, with exactly the plan that ran."""
    return _review(row), read_preview(row.run.plan)


def _review(row: Review) -> ReviewLine:
    run = row.run
    return ReviewLine(
        id=row.pk,
        reference=run.reference,
        organization=run.organization.title,
        verb=verb_of(run),
        what=what_of(run.plan.thaw()),
        by=str(run.started_by),
        at=row.opened_at,
        reason=run.reason,
        phase=run.phase,
        outcome=run.outcome,
        because=run.because,
        done_at=row.done_at,
        done_by=str(row.done_by or ""),
        found=row.found,
    )


def unread(person: Person) -> list[Notice]:
    """What the person has not yet said to have read, the newest first."""
    return list(Notice.objects.filter(person=person, read_at=None)[:MOST])
