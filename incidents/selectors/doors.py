"""Finds an organization or a run together with what a person may do there: one query, asked anew each time.

The rows are those that `incidents.engine.grants` asks; a test holds the two together. They are asked here inside the
query that fetches, because a page that is polled by hundreds of people pays for every further one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from incidents.domain.people import Grant
from incidents.engine.grants import consents_of
from incidents.models import (
    Organization,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    Resource,
    Run,
)

Row = TypeVar("Row")
# Grants that decide what a page shows besides.
ASKED: tuple[Grant, ...] = ("support_organization", "engineer_organization", "manage_people")


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """A row, and what the person may do with it.

    Args:
        may_act: by a right of their own.
        rights: what else they hold of `ASKED`.
        consent: id of the caller's consent by which they may act for its organization; None without one.
    """

    row: Row
    may_see: bool
    may_act: bool
    rights: frozenset[Grant] = frozenset()
    consent: uuid.UUID | None = None


def find_organization(person: Person, slug: str) -> Found[Organization] | None:
    found = Organization.objects.filter(slug=slug).annotate(**_rights(person, "pk")).first()
    return _found(found) if found else None


def find_run(person: Person, reference: str) -> Found[Run] | None:
    """The run of that reference, with its organization, incident and who started it."""
    rows = Run.objects.filter(reference=reference)
    found = (
        rows.select_related("organization", "incident", "started_by", "stop_asked_by", "undo_of")
        .annotate(**_rights(person, "organization_id"))
        .first()
    )
    return _found(found) if found else None


def supported_by(person: Person, *grants: Grant) -> QuerySet[Organization]:
    """Every organization on which the person holds one of these grants; none for none."""
    held = Q(pk__in=())
    for grant in grants:
        held |= _holds(person, grant, "pk")
    return Organization.objects.filter(held)


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


def _rights(person: Person, organization: str) -> dict[str, Any]:
    """Annotations that say what the person may do; `organization` names the column of the outer query."""
    consents = consents_of(person).filter(organization=OuterRef(organization))
    return {
        "may_see": _holds(person, "see_organization", organization),
        "may_act": _holds(person, "act_for_organization", organization),
        "acting_by": Subquery(consents.values("pk")[:1]),
        **{grant: _holds(person, grant, organization) for grant in ASKED},
    }


def _found(row: Any) -> Found[Any]:
    rights = frozenset(grant for grant in ASKED if getattr(row, grant))
    return Found(row, row.may_see, row.may_act, rights, row.acting_by)


def _holds(person: Person, grant: Grant, organization: str) -> Q:
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, group__user=person
    )
    direct = OrganizationUserObjectPermission.objects.filter(
        content_object=OuterRef(organization), permission__codename=grant, user=person
    )
    return Q(Exists(by_group)) | Q(Exists(direct))
