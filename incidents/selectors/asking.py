"""Whom to ask: who may really do what somebody else may only look at."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from incidents.domain.people import Grant
from incidents.models import (
    Organization,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
    Person,
    PreapprovalUserObjectPermission,
)

# Two names are enough to ask; more would hide the telephone number.
NAMED = 2
_BY_GROUP = "group__preapprovalgroupobjectpermission"


def who_may_use(organization: Organization, action: str = "") -> dict[int, tuple[str, ...]]:
    """By preapproval (of that action): what two of the people are called who may use it now. One query.

    They are active, hold `use_preapproval` on it, and may act for the organization.
    """
    wanted = {"organization": organization, **({"action": action} if action else {})}
    members = Person.groups.through.objects.filter(
        _acting(organization, "person_id"),
        person__is_active=True,
        **{f"{_BY_GROUP}__permission__codename": "use_preapproval"},
        **{f"{_BY_GROUP}__content_object__{field}": value for field, value in wanted.items()},
    )
    named = PreapprovalUserObjectPermission.objects.filter(
        _acting(organization, "user_id"),
        user__is_active=True,
        permission__codename="use_preapproval",
        **{f"content_object__{field}": value for field, value in wanted.items()},
    )
    rows = members.values_list(f"{_BY_GROUP}__content_object", "person__title").union(
        named.values_list("content_object", "user__title")
    )
    found: dict[int, set[str]] = {}
    for preapproval, title in rows:
        found.setdefault(preapproval, set()).add(title)
    return {preapproval: first_names(titles) for preapproval, titles in found.items()}


def who_may(organization: Organization, grant: Grant) -> tuple[str, ...]:
    """What two of the people are called who hold a grant on the organization. One query."""
    people = Person.objects.filter(_holding(organization, grant, "pk"), is_active=True)
    return tuple(people.order_by("title").values_list("title", flat=True).distinct()[:NAMED])


def whom_to_ask(organization: Organization, grant: Grant, action: str = "") -> tuple[str, ...]:
    """Who may run an action on anything of the organization, or, without one, who holds the grant. One query."""
    if not action:
        return who_may(organization, grant)
    return first_names({title for titles in who_may_use(organization, action).values() for title in titles})


def first_names(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(titles)[:NAMED])


def _acting(organization: Organization, person: str) -> Q:
    return _holding(organization, "act_for_organization", person)


def _holding(organization: Organization, grant: Grant, person: str) -> Q:
    """A condition that holds where the column is a person with that grant."""
    by_group = OrganizationGroupObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, group__user=OuterRef(person)
    )
    by_name = OrganizationUserObjectPermission.objects.filter(
        content_object=organization, permission__codename=grant, user=OuterRef(person)
    )
    return Q(Exists(by_group)) | Q(Exists(by_name))
