"""Who may do what, asked of the rows themselves each time; nobody passes without a row."""

from __future__ import annotations

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


def _on_organization(person: Person, grant: Grant, organization: object) -> Q:
    """A condition that holds when a row gives the grant, to a group of the person or to the person by name."""
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, group__user=person.pk
    )
    by_name = OrganizationUserObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, user=person.pk
    )
    return Q(Exists(by_group) | Exists(by_name))
