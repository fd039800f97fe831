"""Who people are to an organization and to the operator of the console, and what each role may do (DESIGN section 10).

A role is a group: `example-shop/owners` for one of an organization, `support` for one of the operator. A right is a
row between such a group and an organization; nobody holds one without a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Literal

Grant = Literal[
    "see_organization",
    "act_for_organization",
    "manage_people",
    "support_organization",
    "review_organization",
    "engineer_organization",
]

# A right over everything, which no row about one organization gives.
FREEZE_EVERYONE = "freeze_everyone"

# From the one who may do most to the one who may do least; each role holds what those after it hold.
ORGANIZATION_ROLES: dict[str, tuple[Grant, ...]] = {
    "owners": ("see_organization", "act_for_organization", "manage_people"),
    "operators": ("see_organization", "act_for_organization"),
    "viewers": ("see_organization",),
}
# The operator's own people: none of them may act for a customer by their role alone.
PLATFORM_ROLES: dict[str, tuple[Grant, ...]] = {
    "support": ("see_organization", "support_organization"),
    "reviewers": ("review_organization",),
    "engineers": ("see_organization", "engineer_organization"),
}
# What a role of the operator holds over everything.
PLATFORM_RIGHTS: dict[str, tuple[str, ...]] = {"support": (FREEZE_EVERYONE,)}
# Roles of an organization that may be allowed to run something.
ACTING = ("owners", "operators")


class Recognised(StrEnum):
    """How a caller was recognised, before anything was done in their organization's name."""

    CALLED_BACK = "called_back"  # on a number that was on file before the call
    WORD = "word"  # a word that was agreed with them beforehand
    COLLEAGUE = "colleague"  # somebody else of theirs, who was recognised, confirmed it
    IN_PERSON = "in_person"


def group_of(organization: str, role: str) -> str:
    """The name of the group of a role in an organization."""
    return f"{organization}/{role}"


def roles_among(organization: str, groups: Collection[str]) -> list[str]:
    """The roles that these groups are in the organization, the one that may do most first."""
    return [role for role in ORGANIZATION_ROLES if group_of(organization, role) in groups]


def role_among(organization: str, groups: Collection[str]) -> str:
    """The first of them; empty when there is none."""
    return next(iter(roles_among(organization, groups)), "")


def groups_of(organizations: Iterable[str]) -> list[str]:
    """Every group that there is: those of these organizations, and those of the operator of the console."""
    return [group_of(name, role) for name in organizations for role in ORGANIZATION_ROLES] + list(PLATFORM_ROLES)


def rights_of(organization: str) -> list[tuple[str, Grant]]:
    """(group, grant) for everything that groups hold on an organization."""
    own = [(group_of(organization, role), right) for role, rights in ORGANIZATION_ROLES.items() for right in rights]
    return own + [(role, right) for role, rights in PLATFORM_ROLES.items() for right in rights]


def users_of(groups: Iterable[str]) -> list[str]:
    """The groups that may use a preapproval which names these: an owner may do what the operators may."""
    found = dict.fromkeys(groups)
    for group in list(found):
        organization, _, role = group.rpartition("/")
        if role == "operators":
            found[group_of(organization, "owners")] = None
    return list(found)
