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


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """A row, and whether the person may see it and act on it."""

    row: Row
    may_see: bool
    may_act: bool


def find_organization(person: Person, slug: str) -> Found[Organization] | None:
    rows = Organization.objects.filter(slug=slug)
    found = rows.annotate(
        may_see=_holds(person, "see_organization", "pk"), may_act=_holds(person, "act_for_organization", "pk")
    ).first()
    return Found(found, found.may_see, found.may_act) if found else None


def find_run(person: Person, reference: str) -> Found[Run] | None:
    """The run of that reference, with its organization, incident and who started it."""
    rows = Run.objects.filter(reference=reference)
    found = (
        rows.select_related("organization", "incident", "started_by", "stop_asked_by", "undo_of")
        .annotate(
            may_see=_holds(person, "see_organization", "organization_id"),
            may_act=_holds(person, "act_for_organization", "organization_id"),
        )
        .first()
    )
    return Found(found, found.may_see, found.may_act) if found else None


def organizations_of(person: Person) -> QuerySet[Organization]:
    """Every organization that the person may see."""
    return Organization.objects.filter(_holds(person, "see_organization", "pk"))


def find_resources(organization: Organization, ids: frozenset[uuid.UUID]) -> list[Resource]:
    """Those of these resources that the organization has, in the order of its pages."""
    return list(Resource.objects.filter(organization=organization, pk__in=ids))


def who_may_act(organization: Organization) -> tuple[str, ...]:
    """How two of the people are called who may act for the organization, so that others know whom to ask."""
    grant = "act_for_organization"
    by_group = Q(
        groups__organizationgroupobjectpermission__permission__codename=grant,
        groups__organizationgroupobjectpermission__content_object=organization,
    )
    direct = Q(
        organizationuserobjectpermission__permission__codename=grant,
        organizationuserobjectpermission__content_object=organization,
    )
    people = Person.objects.filter(by_group | direct, is_active=True).order_by("title").distinct()
    return tuple(people.values_list("title", flat=True)[:2])


def _holds(person: Person, grant: Grant, organization: str) -> Q:
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, group__user=person
    )
    direct = OrganizationUserObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, user=person
    )
    return Q(Exists(by_group)) | Q(Exists(direct))
