"""What is paused, as the operator's people see it, and what a further freeze would reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from incidents.domain.people import FREEZE_EVERYONE
from incidents.domain.runs import Phase
from incidents.engine.freezes import runs_under
from incidents.engine.grants import holds_everywhere
from incidents.models import Freeze, HandBack, Organization, Person
from incidents.selectors.doors import supported_by


@dataclass(frozen=True, slots=True)
class Line:
    """One freeze that holds; `organization` is a title, `action` a name, both empty where it is over everyone."""

    id: int
    organization: str
    action: str
    by: str
    since: datetime
    because: str
    may_lift: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """How many customers will see it, how many runs will stop, and how much would then not go back by itself."""

    customers: int
    runs: int
    hand_backs: int


def may_freeze_everything(person: Person) -> bool:
    return holds_everywhere(person, FREEZE_EVERYONE)


def read_freezes(person: Person) -> tuple[Line, ...]:
    """Those over everyone, over an action, and over organizations that this person supports. Two queries."""
    everything = may_freeze_everything(person)
    rows = _of(person).filter(lifted_at=None).select_related("by").order_by("since")
    return tuple(
        Line(
            row.pk,
            row.organization.title if row.organization else "",
            row.action,
            str(row.by),
            row.since,
            row.because,
            everything or row.organization is not None,
        )
        for row in rows
    )


def find_freeze(person: Person, pk: int) -> Freeze | None:
    """The freeze, when it is one that `read_freezes` lists, or has listed, for this person."""
    return _of(person).filter(pk=pk).first()


def _of(person: Person) -> QuerySet[Freeze]:
    theirs = Q(organization=None) | Q(organization__in=supported_by(person, "support_organization").values("pk"))
    return Freeze.objects.filter(theirs).select_related("organization")


def read_reach(scope: str, organization: Organization | None, action: str) -> Reach:
    """Three queries."""
    runs = runs_under(scope, organization, action)
    return Reach(
        customers=1 if organization else Organization.objects.count(),
        runs=runs.exclude(phase=Phase.ENDED).count(),
        hand_backs=HandBack.objects.filter(ended_at=None, run__in=runs.values("pk")).count(),
    )
