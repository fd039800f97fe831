"""Which freezes hold, and what waits for them to be lifted."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q, QuerySet

from incidents.domain.kinds import EVERYTHING, REPAIR_OF
from incidents.models import Freeze, Organization, Run


def freezes_on(organization: str, actions: Collection[str]) -> QuerySet[Freeze]:
    """The freezes that hold now for runs that stand for these actions, for this organization, the oldest first.

    Args:
        organization: slug.
        actions: names in the catalogue.
    """
    scopes = Q(scope=Freeze.Scope.EVERYONE) | Q(organization__slug=organization) | Q(action__in=actions)
    return Freeze.objects.filter(scopes, lifted_at=None).select_related("by").order_by("since")


def runs_under(scope: str, organization: Organization | None, action: str) -> QuerySet[Run]:
    """Every run that a freeze of this scope covers. Raises ValueError for a scope that names nothing."""
    if scope == Freeze.Scope.EVERYONE:
        return Run.objects.order_by()
    if scope == Freeze.Scope.ORGANIZATION and organization is not None:
        return Run.objects.filter(organization=organization).order_by()
    if scope == Freeze.Scope.ACTION and action:
        repairs = set(REPAIR_OF.values())
        asked = Q(action=action) | Q(action=EVERYTHING) if action in repairs else Q(action=action)
        return Run.objects.filter(asked).order_by()
    raise ValueError(f"a freeze of scope {scope} over nothing")
