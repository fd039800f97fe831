"""Who may do what, asked of the rows themselves each time; nobody passes without a row."""

from __future__ import annotations

from typing import Literal

from guardian.core import ObjectPermissionChecker

from incidents.models import Organization, Person, Preapproval

Grant = Literal["see_organization", "act_for_organization"]


def holds(person: Person, grant: Grant, organization: Organization) -> bool:
    """Whether the person holds this grant on the organization now. A new checker each time: it remembers answers."""
    return person.is_active and ObjectPermissionChecker(person).has_perm(grant, organization)


def may_use(person: Person, preapproval: Preapproval) -> bool:
    """Whether the person may act for the preapproval's organization and use it, now."""
    return holds(person, "act_for_organization", preapproval.organization) and ObjectPermissionChecker(person).has_perm(
        "use_preapproval", preapproval
    )
