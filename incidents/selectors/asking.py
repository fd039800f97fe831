"""Whom to ask: who may really do what somebody else may only look at."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import OuterRef

from incidents.domain.people import Grant
from incidents.engine.grants import holders_of, on_organization
from incidents.models import Organization, Person, PreapprovalUserObjectPermission

# Two names are enough to ask; more would hide the telephone number.
NAMED = 2
_BY_GROUP = "group__preapprovalgroupobjectpermission"


def who_may_use(organization: Organization, action: str = "") -> dict[int, tuple[str, ...]]:
    """By preapproval (of that action): what two of the people are called who may use it now. One query.

    They are active, hold `use_preapproval` on it, and may act for the organization.
    """
    wanted = {"organization": organization, **({"action": action} if action else {})}
    members = Person.groups.through.objects.filter(
        on_organization(OuterRef("person_id"), "act_for_organization", organization.pk),
        person__is_active=True,
        **{f"{_BY_GROUP}__permission__codename": "use_preapproval"},
        **{f"{_BY_GROUP}__content_object__{field}": value for field, value in wanted.items()},
    )
    named = PreapprovalUserObjectPermission.objects.filter(
        on_organization(OuterRef("user_id"), "act_for_organization", organization.pk),
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


def whom_to_ask(organization: Organization, grant: Grant, action: str = "") -> tuple[str, ...]:
    """Who may run an action on anything of the organization, or, without one, who holds the grant. One query."""
    if not action:
        return tuple(holders_of(organization, grant).values_list("title", flat=True).distinct()[:NAMED])
    return first_names({title for titles in who_may_use(organization, action).values() for title in titles})


def first_names(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(titles)[:NAMED])
