"""What programs are told of a run: where it is, what is true at every location, and what proves it."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema

from console.pages.run import headline
from console.words import sentence
from incidents.domain.runs import Phase
from incidents.models import Approval, Run
from incidents.selectors.approvals import state_of
from incidents.selectors.run import RunPage


class StageOut(Schema):
    """One stage: sending the change, then looking from outside."""

    number: int
    locations: list[str]
    send: str
    check: str
    in_place: int
    total: int
    sent_at: datetime | None
    checked_at: datetime | None
    overruled_by: str


class LocationOut(Schema):
    """One location: how many targets in each step, and how many points have which mark, read from outside."""

    title: str
    total: int
    steps: dict[str, int]
    outside: dict[str, int]


class AstrayOut(Schema):
    """One target that is not as planned."""

    resource: str
    location: str
    step: str
    because: str
    means: str
    detail: str


class UndoOut(Schema):
    """Until when it may be undone (null: not at all), from when that is safe, and by which run it was."""

    until: datetime | None
    safe_from: datetime | None
    by: str


class RunOut(Schema):
    """A run. It has succeeded only when probes from outside say so: `outcome` is empty while it is live."""

    reference: str
    organization: str
    action: str
    what: str
    count: int
    says: str
    phase: str
    outcome: str
    because: str
    means: str
    detail: str
    asks: bool
    by: str
    agreed: str
    alone: bool
    reason: str
    accepted_at: datetime
    ended_at: datetime | None
    deadline_at: datetime
    stop_asked_at: datetime | None
    stages: list[StageOut]
    locations: list[LocationOut]
    astray: list[AstrayOut]
    astray_more: int
    left_out: list[str]
    overruled_by: str
    undo_of: str
    undo: UndoOut
    comes_back_at: datetime | None
    incident: str
    version: int


class StartedOut(Schema):
    """What became of a yes: a run; or, where it takes two, an approval that waits, and no run yet."""

    state: str
    run: str
    approval: str
    url: str


class ApprovalOut(Schema):
    """What the second person has said; `run` is empty until one has begun by it."""

    id: str
    state: str
    digest: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    reason: str
    decided_by: str
    decided_at: datetime | None
    words: str
    run: str


def of_run(row: Run, page: RunPage) -> RunOut:
    return RunOut(
        reference=page.reference,
        organization=row.organization.slug,
        action=page.action,
        what=page.what,
        count=page.count,
        says=headline(page),
        phase=page.phase,
        outcome=page.outcome,
        because=page.because,
        means=sentence(page.because),
        detail=page.detail,
        asks=page.phase == Phase.PAUSED and page.because in ("verdict.inconclusive", "verdict.error"),
        by=page.by,
        agreed=page.agreed,
        alone=page.alone,
        reason=page.reason,
        accepted_at=page.accepted_at,
        ended_at=page.ended_at,
        deadline_at=page.deadline_at,
        stop_asked_at=page.stop_asked_at,
        stages=_stages(page),
        locations=[
            LocationOut(title=one.title, total=one.total, steps=one.steps, outside=one.outside) for one in page.places
        ],
        astray=_astray(page),
        astray_more=page.astray.more,
        left_out=list(page.left_out),
        overruled_by=page.overruled.overruled_by if page.overruled else "",
        undo_of=page.undo_of,
        undo=UndoOut(until=page.undo.until, safe_from=page.undo.safe_from, by=page.undo.by),
        comes_back_at=page.away.until if page.away is not None and page.away.ended_at is None else None,
        incident=page.incident,
        version=row.version,
    )


def _stages(page: RunPage) -> list[StageOut]:
    return [
        StageOut(
            number=one.number,
            locations=list(one.places),
            send=one.send,
            check=one.check,
            in_place=one.in_place,
            total=one.total,
            sent_at=one.sent_at,
            checked_at=one.checked_at,
            overruled_by=one.overruled_by,
        )
        for one in page.stages
    ]


def _astray(page: RunPage) -> list[AstrayOut]:
    return [
        AstrayOut(
            resource=one.name,
            location=one.location,
            step=one.step,
            because=one.because,
            means=sentence(one.because),
            detail=one.detail,
        )
        for one in page.astray.named
    ]


def of_approval(row: Approval, now: datetime) -> ApprovalOut:
    run = getattr(row.plan, "run", None)
    return ApprovalOut(
        id=str(row.pk),
        state=state_of(row, now),
        digest=row.plan_id,
        asked_by=str(row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        reason=row.reason,
        decided_by=str(row.decided_by or ""),
        decided_at=row.decided_at,
        words=row.words,
        run=run.reference if run is not None else "",
    )
