"""The engineers' queue: what waits, in which order, who has it, and how long it usually takes."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from incidents.domain.people import Grant
from incidents.models import EngineerEntry, Person
from incidents.selectors.doors import supported_by
from incidents.selectors.usual import ENOUGH, NEWEST, Usual, nine_of_ten

WATCHING: tuple[Grant, ...] = ("engineer_organization", "support_organization")


@dataclass(frozen=True, slots=True)
class Queued:
    """What a customer is told of one entry.

    Args:
        position: counted over everybody's entries, the oldest first.
        taken_by: how the engineer is called who has it; empty while nobody has.
    """

    position: int
    since: datetime
    taken_by: str
    taken_at: datetime | None
    note: str
    noted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the queue's page; `holder` is the username of who has it, `resource` an id."""

    id: int
    queued: Queued
    holder: str
    resource: uuid.UUID
    name: str
    slug: str
    organization: str
    may_take: bool


def read_places(resources: Collection[uuid.UUID]) -> dict[uuid.UUID, Queued]:
    """By resource: where it stands in the queue. One query, of what waits for anybody, for that is what counts."""
    rows = EngineerEntry.objects.filter(closed_at=None).order_by("opened_at", "pk")
    columns = ("resource_id", "opened_at", "taken_by__title", "taken_at", "note", "noted_at")
    return {
        resource: Queued(position, since, taken_by or "", *rest)
        for position, (resource, since, taken_by, *rest) in enumerate(rows.values_list(*columns), start=1)
        if resource in resources
    }


def read_queue(person: Person) -> tuple[Entry, ...]:
    """What waits for the organizations that this person engineers or supports, the oldest first. Three queries."""
    mine = set(supported_by(person, "engineer_organization").values_list("pk", flat=True))
    rows = EngineerEntry.objects.filter(
        closed_at=None, resource__organization__in=supported_by(person, *WATCHING).values("pk")
    )
    found = list(rows.select_related("resource__organization", "taken_by").order_by("opened_at", "pk"))
    places = read_places({row.resource_id for row in found})
    return tuple(
        Entry(
            id=row.pk,
            queued=places[row.resource_id],
            holder=row.taken_by.username if row.taken_by else "",
            resource=row.resource_id,
            name=row.resource.name,
            slug=row.resource.organization.slug,
            organization=row.resource.organization.title,
            may_take=row.resource.organization_id in mine and row.taken_by_id != person.pk,
        )
        for row in found
        if row.resource_id in places
    )


def find_entry(person: Person, pk: int) -> EngineerEntry | None:
    """The entry, when its organization is one that this person engineers or supports."""
    rows = EngineerEntry.objects.filter(pk=pk, resource__organization__in=supported_by(person, *WATCHING).values("pk"))
    return rows.select_related("resource__organization").first()


def usual_wait() -> Usual | None:
    """How long entries took, from the queue to being well again; None until there are enough. One query."""
    closed = EngineerEntry.objects.filter(closed_at__isnull=False).order_by("-closed_at")
    took = sorted(closed.values_list(F("closed_at") - F("opened_at"), flat=True)[:NEWEST])
    return nine_of_ten(took) if len(took) >= ENOUGH else None
