"""The last that was done for an organization: a sign-in, a preview, a question to a second person, or a run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from incidents.actions.catalogue import CATALOGUE
from incidents.domain.people import ORGANIZATION_ROLES
from incidents.models import Organization, Person, Plan, Run
from incidents.selectors.acting import behalf

SIGN_IN, PREVIEW, ASKED, RUN = "sign-in", "preview", "asked", "run"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        kind: `sign-in`, `preview`, `asked` (a second person was asked to agree) or `run`.
        by: who, and for whom.
        does: what the action does, as in "what you can do"; empty for a sign-in.
        reference, phase, outcome, because: of a run; empty otherwise.
    """

    kind: str
    at: datetime
    by: str
    does: str = ""
    reference: str = ""
    phase: str = ""
    outcome: str = ""
    because: str = ""


def last_steps(organizations: Sequence[Organization]) -> Mapping[uuid.UUID, Step]:
    """The newest step of each; none for whom nothing was ever done. Three queries."""
    steps = [*_sign_ins(organizations), *_previews(organizations), *_runs(organizations)]
    return dict(sorted(steps, key=lambda item: item[1].at))


def _sign_ins(organizations: Sequence[Organization]) -> list[tuple[uuid.UUID, Step]]:
    theirs = Q()
    for role in ORGANIZATION_ROLES:
        theirs |= Q(groups__name=Concat(OuterRef("slug"), Value(f"/{role}")))
    people = Person.objects.filter(theirs, last_login__isnull=False).order_by("-last_login")
    rows = Organization.objects.filter(pk__in=[row.pk for row in organizations]).annotate(
        at=Subquery(people.values("last_login")[:1]), who=Subquery(people.values("title")[:1])
    )
    found = rows.exclude(at=None).values_list("pk", "at", "who")
    return [(pk, Step(SIGN_IN, at, who)) for pk, at, who in found]


def _previews(organizations: Sequence[Organization]) -> list[tuple[uuid.UUID, Step]]:
    mine = Plan.objects.filter(organization=OuterRef("pk"), run=None).order_by("-proposed_at")
    rows = Plan.objects.filter(pk__in=_newest(organizations, Subquery(mine.values("pk")[:1])))
    whose = ("organization_id", "organization__title")
    columns = (*whose, "proposed_at", "proposed_by__title", "consent__caller", "action", "approval__asked_at")
    return [
        (pk, Step(ASKED if asked else PREVIEW, asked or at, behalf(who, title, caller), _does(action)))
        for pk, title, at, who, caller, action, asked in rows.values_list(*columns)
    ]


def _runs(organizations: Sequence[Organization]) -> list[tuple[uuid.UUID, Step]]:
    """By the time of their end, when they have one: that is what there is to talk about."""
    mine = Run.objects.filter(organization=OuterRef("pk")).order_by("-accepted_at")
    rows = Run.objects.filter(pk__in=_newest(organizations, Subquery(mine.values("pk")[:1])))
    rows = rows.select_related("started_by", "organization").defer("reason").annotate(caller=F("plan__consent__caller"))
    return [
        (
            row.organization_id,
            Step(
                RUN,
                row.ended_at or row.accepted_at,
                behalf(str(row.started_by), row.organization.title, row.caller),
                "undo" if row.undo_of_id else _does(row.action),
                row.reference,
                row.phase,
                row.outcome,
                row.because,
            ),
        )
        for row in rows
    ]


def _newest(organizations: Sequence[Organization], key: Subquery) -> QuerySet[Organization, Any]:
    """The keys that this subquery gives, one an organization."""
    chosen = Organization.objects.filter(pk__in=[row.pk for row in organizations]).order_by()
    return chosen.annotate(newest=key).exclude(newest=None).values("newest")


def _does(action: str) -> str:
    return CATALOGUE[action].words.can
