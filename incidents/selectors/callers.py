"""Who of a customer may agree that somebody acts for them, and to what."""

from __future__ import annotations

from django.db.models import Q

from incidents.actions.catalogue import CATALOGUE
from incidents.models import Organization, Person, Preapproval


def read_callers(organization: Organization) -> list[Person]:
    """Everybody who may act for the organization themselves, by title. One query."""
    grant = "act_for_organization"
    by_group = Q(
        groups__organizationgroupobjectpermission__permission__codename=grant,
        groups__organizationgroupobjectpermission__content_object=organization,
    )
    by_name = Q(
        organizationuserobjectpermission__permission__codename=grant,
        organizationuserobjectpermission__content_object=organization,
    )
    return list(Person.objects.filter(by_group | by_name, is_active=True).order_by("title").distinct())


def approved_actions(organization: Organization) -> list[str]:
    """What may be run for the organization at all, in the order of the catalogue. One query."""
    rows = Preapproval.objects.filter(organization=organization).exclude(digest="")
    names = set(rows.values_list("action", flat=True))
    return [name for name in CATALOGUE if name in names]
