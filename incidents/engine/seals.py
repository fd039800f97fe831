"""Seals: that what is stored was written by this console and by nobody else who can write to the database.

HMAC-SHA-256 with `SECRET_KEY` (django.core.signing), a purpose of its own each. A key that has been replaced still
opens what it has sealed while it stands under `SECRET_KEY_FALLBACKS`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from django.core.signing import BadSignature, Signer

from incidents.domain.approvals import Statement
from incidents.domain.canonical import JsonObject, decode, encode
from incidents.domain.runs import Outcome
from incidents.models import Approval, AuditEntry, Plan, Preapproval, Run, StageVerdict


def seal_preapproval(slug: str, action: str, organization: str, terms: JsonObject, digest: str) -> str:
    """The seal of a preapproval: that these terms were applied by the inventory command."""
    said: JsonObject = {"slug": slug, "action": action, "organization": organization, "terms": terms, "digest": digest}
    return _sign("preapproval", encode(said))


def preapproval_is_sealed(row: Preapproval) -> bool:
    """Whether the row says what the inventory command wrote. Its organization must have been fetched with it."""
    said: JsonObject = {
        "slug": row.slug,
        "action": row.action,
        "organization": row.organization.slug,
        "terms": row.terms,
        "digest": row.digest,
    }
    return _is_signed("preapproval", encode(said), row.seal)


def seal_plan(plan: Plan) -> str:
    """The seal of a stored plan: who proposed it, within what, and everything that speaks for and against it."""
    return _sign("plan", encode(_said_of_plan(plan)))


def plan_is_sealed(plan: Plan) -> bool:
    """Whether the row is as the console stored it; its body is named by its digest."""
    return _is_signed("plan", encode(_said_of_plan(plan)), plan.seal)


def seal_run(run: Run) -> str:
    """The seal of a run: in whose name it carries out which plan, and until when."""
    return _sign("run", encode(_said_of(run)))


def run_is_sealed(run: Run) -> bool:
    """Whether the row says what it said when a person, or a hand-back, started it."""
    return _is_signed("run", encode(_said_of(run)), run.seal)


def is_ours(run: Run) -> bool:
    """Whether this console started the run and stored its plan; what it did not is neither undone nor put back."""
    return run_is_sealed(run) and plan_is_sealed(run.plan)


def run_is_as_recorded(run: Run) -> bool:
    """Whether the audit log knows of no end of this run, of every verdict, and of whoever went on without proof.

    The log is not changed by whoever changes a row: its tables refuse that, and its tree shows it.
    """
    entries = AuditEntry.objects.filter(run=str(run.pk))
    if entries.filter(event__in=[f"run.{outcome}" for outcome in Outcome]).exists():
        return False
    verdicts = StageVerdict.objects.filter(run=run)
    return (
        verdicts.count() <= entries.filter(event="verdict.recorded").count()
        and verdicts.filter(overruled_by__isnull=False).count() <= entries.filter(event="verdict.overruled").count()
    )


def seal_approval(statement: Statement) -> tuple[bytes, str]:
    """The bytes that are signed, and their signature."""
    body = encode(statement.as_json())
    return body, _sign("approval", body)


def read_approval(row: Approval) -> Statement | None:
    """What was signed about the row's own plan; None when nothing was, or it was signed for something else."""
    body = bytes(row.statement or b"")
    if not body or not _is_signed("approval", body, row.signature):
        return None
    value = decode(body)
    if not isinstance(value, dict):
        return None
    statement = Statement(
        approval=str(value["approval"]),
        plan=str(value["plan"]),
        asked_by=str(value["asked_by"]),
        decided_by=str(value["decided_by"]),
        decided_at=datetime.fromisoformat(str(value["decided_at"])),
        alone=value["alone"] is True,
    )
    return statement if (statement.approval, statement.plan) == (str(row.pk), row.plan_id) else None


def _said_of_plan(plan: Plan) -> JsonObject:
    return {
        "digest": plan.digest,
        "organization": str(plan.organization_id),
        "preapproval": plan.preapproval_id,
        "proposed_by": str(plan.proposed_by_id),
        "undo_of": str(plan.undo_of_id or ""),
        "consent": str(plan.consent_id or ""),
        "findings": plan.findings,
    }


def _said_of(run: Run) -> JsonObject:
    return {
        "v": 1,
        "run": str(run.pk),
        "reference": run.reference,
        "organization": str(run.organization_id),
        "plan": run.plan_id,
        "started_by": str(run.started_by_id),
        "undo_of": str(run.undo_of_id or ""),
        "accepted_at": run.accepted_at.astimezone(UTC).isoformat(),
        "deadline_at": run.deadline_at.astimezone(UTC).isoformat(),
    }


def _signer(purpose: str) -> Signer:
    return Signer(salt=f"incidents.{purpose}", algorithm="sha256")


def _sign(purpose: str, body: bytes) -> str:
    return _signer(purpose).signature(hashlib.sha256(body).hexdigest())


def _is_signed(purpose: str, body: bytes, signature: str) -> bool:
    try:
        _signer(purpose).unsign(f"{hashlib.sha256(body).hexdigest()}:{signature}")
    except BadSignature:
        return False
    return True
