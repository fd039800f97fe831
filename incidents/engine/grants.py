"""Who may do what, asked of the rows themselves each time; nobody passes without a row."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from incidents.domain.people import Grant
from incidents.models import (
    CallerConsent,
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


def holds_everywhere(person: Person, right: str) -> bool:
    """Whether the person is active and holds this right over everything now. One query of the rows themselves."""
    ours = Permission.objects.filter(content_type__app_label="incidents", codename=right)
    return Person.objects.filter(
        Exists(ours.filter(group__user=person.pk)) | Exists(ours.filter(user=person.pk)),
        pk=person.pk,
        is_active=True,
    ).exists()


def may_use(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may run what is preapproved, now: by a right of their own, or by a caller's consent to it.

    One query, nothing remembered.
    """
    return Person.objects.filter(
        _by_right(person, preapproval) | Exists(_consents_to(person, preapproval)), pk=person.pk, is_active=True
    ).exists()


def may_use_by_right(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may act for the preapproval's organization and use it, now. One query."""
    return Person.objects.filter(_by_right(person, preapproval), pk=person.pk, is_active=True).exists()


def acting_consent(person: Person, preapproval: Preapproval) -> CallerConsent | None:
    """The caller's consent by which the person may run what is preapproved; None where they need or have none."""
    if may_use_by_right(person, preapproval):
        return None
    return _consents_to(person, preapproval).first()


def consents_of(person: Person) -> QuerySet[CallerConsent]:
    """The consents by which the person may act now: neither ended nor over, for whom the person supports still."""
    supports = _on_organization(person, "support_organization", OuterRef("organization"))
    return CallerConsent.objects.filter(
        supports, staff=person, staff__is_active=True, ended_at=None, expires_at__gt=Now()
    )


def _consents_to(person: Person, preapproval: Preapproval) -> QuerySet[CallerConsent]:
    return consents_of(person).filter(organization=preapproval.organization_id, allowed__action=preapproval.action)


def _by_right(person: Person, preapproval: Preapproval) -> Q:
    acts = _on_organization(person, "act_for_organization", preapproval.organization_id)
    return acts & _on_preapproval(person, "use_preapproval", preapproval)


def may_approve(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may see the organization and agree, as a second person, within the preapproval. One query."""
    return Person.objects.filter(
        _on_organization(person, "see_organization", preapproval.organization_id),
        _on_preapproval(person, "approve_preapproval", preapproval),
        pk=person.pk,
        is_active=True,
    ).exists()


def approvers_of(preapproval: Preapproval) -> QuerySet[Person]:
    """Everybody who may agree, as a second person, within the preapproval."""
    by_group = Q(
        groups__preapprovalgroupobjectpermission__permission__codename="approve_preapproval",
        groups__preapprovalgroupobjectpermission__content_object=preapproval,
    )
    by_name = Q(
        preapprovaluserobjectpermission__permission__codename="approve_preapproval",
        preapprovaluserobjectpermission__content_object=preapproval,
    )
    return Person.objects.filter(by_group | by_name, is_active=True).order_by("title").distinct()


def _on_preapproval(person: Person, grant: str, preapproval: Preapproval) -> Q:
    by_group = PreapprovalGroupObjectPermission.objects.filter(
        content_object=preapproval.pk, permission__codename=grant, group__user=person.pk
    )
    by_name = PreapprovalUserObjectPermission.objects.filter(
        content_object=preapproval.pk, permission__codename=grant, user=person.pk
    )
    return Q(Exists(by_group) | Exists(by_name))


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
