"""Finds an organization or a run together with what a person may do there: one query, asked anew each time.

The rows are those that `incidents.engine.grants` asks; a test holds the two together. They are asked here inside the
query that fetches, because a page that is polled by hundreds of people pays for every further one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from incidents.domain.people import Grant
from incidents.models import (
    Organization,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    Resource,
    Run,
)

Row = TypeVar("Row")


ON_EVERY_PAGE: tuple[Grant, ...] = ("see_organization", "act_for_organization")


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """A row, and which of the grants that were asked about the person holds on its organization."""

    row: Row
    grants: frozenset[Grant]

    @property
    def may_see(self) -> bool:
        return "see_organization" in self.grants

    @property
    def may_act(self) -> bool:
        return "act_for_organization" in self.grants


def find_organization(person: Person, slug: str, *more: Grant) -> Found[Organization] | None:
    """The organization of that name, with the grants of `ON_EVERY_PAGE` and `more`."""
    asked = (*ON_EVERY_PAGE, *more)
    found = (
        Organization.objects.filter(slug=slug)
        .annotate(**{grant: _holds(person, grant, "pk") for grant in asked})
        .first()
    )
    return Found(found, _held(found, asked)) if found else None


def find_run(person: Person, reference: str) -> Found[Run] | None:
    """The run of that reference, with its organization, incident and who started it."""
    rows = Run.objects.filter(reference=reference)
    found = (
        rows.select_related("organization", "incident", "started_by", "stop_asked_by", "undo_of")
        .annotate(**{grant: _holds(person, grant, "organization_id") for grant in ON_EVERY_PAGE})
        .first()
    )
    return Found(found, _held(found, ON_EVERY_PAGE)) if found else None


def organizations_of(person: Person) -> QuerySet[Organization]:
    """Every organization that the person may see."""
    return Organization.objects.filter(_holds(person, "see_organization", "pk"))


def find_resources(organization: Organization, ids: frozenset[uuid.UUID]) -> list[Resource]:
    """Those of these resources that the organization has, in the order of its pages."""
    return list(Resource.objects.filter(organization=organization, pk__in=ids))


def _held(row: object, asked: tuple[Grant, ...]) -> frozenset[Grant]:
    return frozenset(grant for grant in asked if getattr(row, grant))


def _holds(person: Person, grant: Grant, organization: str) -> Q:
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, group__user=person
    )
    direct = OrganizationUserObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, user=person
    )
    return Q(Exists(by_group)) | Q(Exists(direct))
