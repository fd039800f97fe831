"""What programs are told of a plan: every change, what was checked, and what has to be sent to start it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ninja import Schema

from console.step_up import is_serious
from incidents.domain.findings import Finding
from incidents.selectors.preview import Preview, Weight

# Where a person ticks the consequence; below it nothing is asked, above it they write a reason.
TICKED_TIER = 2


class FindingOut(Schema):
    """One check; a `blocker` keeps the plan from starting."""

    code: str
    severity: str
    text: str
    subject: str


class ChangeOut(Schema):
    """What is and what will be at one location, in words and as it is compared."""

    resource: str
    location: str
    aspect: str
    now: str
    after: str
    state_now: dict[str, Any]
    state_after: dict[str, Any]


class NeedsOut(Schema):
    """What the start has to bring besides the digest; `second_person` has the codes of why it takes two."""

    code: bool
    understood: bool
    reason: bool
    word: str
    second_person: list[str]


class PreviewOut(Schema):
    """A frozen plan. Nothing has changed yet."""

    digest: str
    action: str
    verb: str
    what: str
    count: int
    explained: str
    stays: str
    consequence: str
    undo_of: str
    tier: int
    needs: NeedsOut
    may_start: bool
    findings: list[FindingOut]
    may_override: list[str]
    changes: list[ChangeOut]
    stages: list[list[str]]
    left_out: list[str]
    busy: list[str]
    behalf: str
    usually_from_seconds: int
    usually_to_seconds: int
    hand_back_seconds: int
    proposed_at: datetime
    expires_at: datetime


def of_preview(page: Preview) -> PreviewOut:
    return PreviewOut(
        digest=page.digest,
        action=page.action,
        verb=page.verb,
        what=page.what,
        count=page.count,
        explained=page.explained,
        stays=page.stays,
        consequence=page.consequence,
        undo_of=page.undo_of,
        tier=page.tier,
        needs=_needs(page),
        may_start=not page.blockers,
        findings=of_findings((*page.blockers, *page.checks)),
        may_override=[one.code for one in page.may_override],
        changes=_changes(page),
        stages=[list(stage) for stage in page.stages],
        left_out=list(page.left_out),
        busy=list(page.busy),
        behalf=page.behalf,
        usually_from_seconds=round(page.usual.low.total_seconds()),
        usually_to_seconds=round(page.usual.high.total_seconds()),
        hand_back_seconds=round(page.hand_back.total_seconds()),
        proposed_at=page.proposed_at,
        expires_at=page.expires_at,
    )


def of_findings(findings: Iterable[Finding]) -> list[FindingOut]:
    return [FindingOut(code=one.code, severity=one.severity, text=one.text, subject=one.subject) for one in findings]


def _needs(page: Preview) -> NeedsOut:
    two = bool(page.second_person)
    return NeedsOut(
        code=is_serious(Weight(page.tier, two)),
        understood=page.tier == TICKED_TIER,
        reason=two,
        word=page.word if two else "",
        second_person=list(page.second_person),
    )


def _changes(page: Preview) -> list[ChangeOut]:
    return [
        ChangeOut(
            resource=item.name,
            location=route.location,
            aspect=route.aspect,
            now=route.now,
            after=route.after,
            state_now=dict(route.state_now),
            state_after=dict(route.state_after),
        )
        for item in page.items
        for route in item.routes
    ]
