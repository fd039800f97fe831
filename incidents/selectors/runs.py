"""The last runs of an organization, in a line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from incidents.actions.catalogue import CATALOGUE
from incidents.domain.changes import resources_of
from incidents.domain.kinds import Kind
from incidents.domain.plans import Plan as PlanValue
from incidents.models import HandBack, Organization, ResourceLock, Run
from incidents.selectors.acting import behalf

SHOWN = 5
BRING_BACK, BY_ITSELF = "Bring back", "the console, as agreed"
NOUNS = {
    Kind.PREFIX: "prefixes",
    Kind.SERVICE: "services",
    Kind.POOL: "services",
    Kind.POLICY: "policies",
    Kind.RECORD: "records",
    Kind.KEYS: "key sets",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One run.

    Args:
        what: the resource, or how many of them.
        verb: what was done to it, such as `Re-advertise`; `Undo` for an undo.
        outcome: empty while it is live.
    """

    reference: str
    verb: str
    what: str
    by: str
    accepted_at: datetime
    phase: str
    outcome: str
    because: str


def newest_runs(organization: Organization, most: int = SHOWN, before: Run | None = None) -> tuple[Line, ...]:
    """The newest first; with `before` only those that were accepted before that run. One query."""
    locks = ResourceLock.objects.filter(run=OuterRef("pk")).order_by()
    older = Q() if before is None else Q(accepted_at__lt=before.accepted_at)
    if before is not None:
        older |= Q(accepted_at=before.accepted_at, pk__lt=before.pk)
    rows = (
        Run.objects.filter(older, organization=organization)
        .select_related("started_by")
        .defer("reason")
        .annotate(
            itself=Exists(HandBack.objects.filter(done_by=OuterRef("pk"))),
            caller=F("plan__consent__caller"),
            first=Subquery(locks.values("resource__name")[:1]),
            count=Coalesce(Subquery(locks.values("run").annotate(n=Count("pk")).values("n")), 0),
        )
        .order_by("-accepted_at", "-pk")[:most]
    )
    return tuple(
        Line(
            reference=row.reference,
            verb=BRING_BACK if row.itself else verb_of(row),
            what=what(row.count, row.first or "", row.action),
            by=BY_ITSELF if row.itself else behalf(str(row.started_by), organization.title, row.caller),
            accepted_at=row.accepted_at,
            phase=row.phase,
            outcome=row.outcome,
            because=row.because,
        )
        for row in rows
    )


def started_by(run: Run, caller: str | None) -> str:
    """Who started it, and for whom where a caller asked.

    A hand-back runs in the name of whoever agreed to it, but nobody pressed a button.
    """
    if run.undo_of_id and HandBack.objects.filter(done_by=run, run=run.undo_of_id).exists():
        return BY_ITSELF
    return behalf(str(run.started_by), run.organization.title, caller)


def verb_of(run: Run) -> str:
    return "Undo" if run.undo_of_id else CATALOGUE[run.action].words.verb


def what(count: int, name: str, action: str) -> str:
    """The one resource by its name, more of them by their number."""
    kinds = CATALOGUE[action].kinds
    return name if count == 1 else f"{count} {NOUNS[kinds[0]] if len(kinds) == 1 else 'things'}"


def what_of(plan: PlanValue) -> str:
    """The same of everything that a plan changes."""
    names = resources_of(plan.changes)
    return what(len(names), next(iter(names.values()), ""), plan.action)
