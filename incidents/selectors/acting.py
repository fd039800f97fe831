"""Who acts for an organization by a caller's consent now, and what is paused for it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from incidents.models import CallerConsent, Freeze, Organization


@dataclass(frozen=True, slots=True)
class Acting:
    """One consent that holds now.

    Args:
        staff: how the member of staff is called, and `staff_id` who it is.
        caller: who asked for it, and `agreed` what they agreed to.
    """

    id: uuid.UUID
    organization: str
    staff: str
    staff_id: uuid.UUID
    caller: str
    agreed: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """One freeze that a customer sees; `action` is empty where it is over everything of theirs."""

    action: str
    since: datetime
    because: str


def read_acting(organizations: Sequence[Organization], now: datetime) -> tuple[Acting, ...]:
    """Every consent of these organizations that holds now, the oldest first. One query."""
    rows = CallerConsent.objects.filter(organization__in=organizations, ended_at=None, expires_at__gt=now)
    columns = ("pk", "organization__slug", "staff__title", "staff_id", "caller", "agreed", "began_at", "expires_at")
    return tuple(Acting(*values) for values in rows.order_by("began_at").values_list(*columns))


def read_pauses(organization: Organization) -> tuple[Pause, ...]:
    """What is paused for everyone, for this organization, or of one action. One query."""
    theirs = Q(organization=organization) | Q(organization=None)
    rows = Freeze.objects.filter(theirs, lifted_at=None).order_by("since")
    return tuple(Pause(*values) for values in rows.values_list("action", "since", "because"))


def behalf(staff: str, organization: str, caller: str | None) -> str:
    """Who did it: with a caller's consent both names, as everywhere."""
    return f"{staff} for {organization}, asked by {caller}" if caller else staff
