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


def on_organization(person: object, grant: Grant, organization: object) -> Q:
    """A condition that holds where a row gives the grant, to a group of the person or to the person by name.

    Args:
        person, organization: keys, or an OuterRef to a column that holds them.
    """
    rows = {"content_object": organization, "permission__codename": grant}
    by_group = OrganizationGroupObjectPermission.objects.filter(group__user=person, **rows)
    by_name = OrganizationUserObjectPermission.objects.filter(user=person, **rows)
    return Q(Exists(by_group) | Exists(by_name))


def on_preapproval(person: object, grant: str, preapproval: object) -> Q:
    """The same for what is held on a preapproval."""
    rows = {"content_object": preapproval, "permission__codename": grant}
    by_group = PreapprovalGroupObjectPermission.objects.filter(group__user=person, **rows)
    by_name = PreapprovalUserObjectPermission.objects.filter(user=person, **rows)
    return Q(Exists(by_group) | Exists(by_name))


def holds(person: Person, grant: Grant, organization: Organization) -> bool:
    """Whether the person is active and holds this grant on the organization now. One query, nothing remembered."""
    return _is_so(person, on_organization(person.pk, grant, organization.pk))


def holds_everywhere(person: Person, right: str) -> bool:
    """Whether the person is active and holds this right over everything now. One query of the rows themselves."""
    ours = Permission.objects.filter(content_type__app_label="incidents", codename=right)
    return _is_so(person, Q(Exists(ours.filter(group__user=person.pk)) | Exists(ours.filter(user=person.pk))))


def may_use(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may run what is preapproved, now: by a right of their own, or by a caller's consent to it.

    One query, nothing remembered.
    """
    return _is_so(person, _by_right(person, preapproval) | Q(Exists(_consents_to(person, preapproval))))


def may_use_by_right(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may act for the preapproval's organization and use it, now. One query."""
    return _is_so(person, _by_right(person, preapproval))


def acting_consent(person: Person, preapproval: Preapproval) -> CallerConsent | None:
    """The caller's consent by which the person may run what is preapproved; None where they need or have none."""
    if may_use_by_right(person, preapproval):
        return None
    return _consents_to(person, preapproval).first()


def consents_of(person: Person) -> QuerySet[CallerConsent]:
    """The consents by which the person may act now: neither ended nor over, for whom the person supports still."""
    supports = on_organization(person.pk, "support_organization", OuterRef("organization"))
    return CallerConsent.objects.filter(
        supports, staff=person, staff__is_active=True, ended_at=None, expires_at__gt=Now()
    )


def may_approve(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may see the organization and agree, as a second person, within the preapproval. One query."""
    sees = on_organization(person.pk, "see_organization", preapproval.organization_id)
    return _is_so(person, sees & on_preapproval(person.pk, "approve_preapproval", preapproval.pk))


def approvers_of(preapproval: Preapproval) -> QuerySet[Person]:
    """Everybody who may agree, as a second person, within the preapproval."""
    approves = on_preapproval(OuterRef("pk"), "approve_preapproval", preapproval.pk)
    return Person.objects.filter(approves, is_active=True).order_by("title")


def holders_of(organization: Organization, grant: Grant) -> QuerySet[Person]:
    """Everybody who holds a grant on the organization, by title."""
    held = on_organization(OuterRef("pk"), grant, organization.pk)
    return Person.objects.filter(held, is_active=True).order_by("title")


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


def _is_so(person: Person, condition: Q) -> bool:
    """Whether this holds for the person, who must be active."""
    return Person.objects.filter(condition, pk=person.pk, is_active=True).exists()


def _by_right(person: Person, preapproval: Preapproval) -> Q:
    acts = on_organization(person.pk, "act_for_organization", preapproval.organization_id)
    return acts & on_preapproval(person.pk, "use_preapproval", preapproval.pk)


def _consents_to(person: Person, preapproval: Preapproval) -> QuerySet[CallerConsent]:
    return consents_of(person).filter(organization=preapproval.organization_id, allowed__action=preapproval.action)
