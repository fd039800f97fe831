"""Who may do what, asked of the rows themselves each time; nobody passes without a row."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.db.models import Exists, Q

from incidents.domain.people import Grant
from incidents.models import (
    Organization,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    Preapproval,
    PreapprovalGroupObjectPermission,
    PreapprovalUserObjectPermission,
)

# A preapproval, or None for the organization itself, and what is allowed on it.
Right: TypeAlias = tuple[int | None, str]


def holds(person: Person, grant: Grant, organization: Organization) -> bool:
    """Whether the person is active and holds this grant on the organization now. One query, nothing remembered."""
    return Person.objects.filter(
        _on_organization(person, grant, organization.pk), pk=person.pk, is_active=True
    ).exists()


def may_use(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may act for the preapproval's organization and use it, now. One query."""
    by_group = PreapprovalGroupObjectPermission.objects.filter(
        content_object=preapproval.pk, permission__codename="use_preapproval", group__user=person.pk
    )
    by_name = PreapprovalUserObjectPermission.objects.filter(
        content_object=preapproval.pk, permission__codename="use_preapproval", user=person.pk
    )
    return Person.objects.filter(
        _on_organization(person, "act_for_organization", preapproval.organization_id),
        Exists(by_group) | Exists(by_name),
        pk=person.pk,
        is_active=True,
    ).exists()


def held_by_person(person: Person, organization: Organization) -> frozenset[Right]:
    """Everything that the person holds on the organization and its preapprovals now; nothing when not active."""
    active = {"user": person.pk, "user__is_active": True}
    return _rights(organization, {f"group__{field}": value for field, value in active.items()}) | _rights(
        organization, active, by_name=True
    )


def held_by_group(name: str, organization: Organization) -> frozenset[Right]:
    """Everything that somebody in this group holds by it on the organization and its preapprovals."""
    return _rights(organization, {"group__name": name})


def _rights(organization: Organization, holder: dict[str, Any], *, by_name: bool = False) -> frozenset[Right]:
    """(preapproval or None for the organization itself, codename) of every row of this holder."""
    on_organization: Any = OrganizationUserObjectPermission if by_name else OrganizationGroupObjectPermission
    on_preapprovals: Any = PreapprovalUserObjectPermission if by_name else PreapprovalGroupObjectPermission
    rows = on_organization.objects.filter(content_object=organization.pk, **holder)
    more = on_preapprovals.objects.filter(content_object__organization=organization.pk, **holder)
    own: set[Right] = {(None, codename) for codename in rows.values_list("permission__codename", flat=True)}
    return frozenset(own | set(more.values_list("content_object_id", "permission__codename")))


def _on_organization(person: Person, grant: Grant, organization: object) -> Q:
    """A condition that holds when a row gives the grant, to a group of the person or to the person by name."""
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, group__user=person.pk
    )
    by_name = OrganizationUserObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, user=person.pk
    )
    return Q(Exists(by_group) | Exists(by_name))
