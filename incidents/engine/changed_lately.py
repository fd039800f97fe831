"""How much runs have changed lately: for an organization, at a location, in a zone, on the platform, at a resource."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db.models import Count, Max, QuerySet

from incidents.domain.blast_radius import window_start
from incidents.domain.circumstances import Lately, Proposal
from incidents.domain.kinds import EVERYTHING
from incidents.domain.terms import Window
from incidents.models import Location, Preapproval, Run, Target


def lately(proposal: Proposal, preapproval: Preapproval | None, now: datetime) -> Lately:
    """What other runs changed within the windows of these terms. A query for each window that there is."""
    terms = proposal.terms
    own = [uuid.UUID(key) for key in proposal.resources]
    of_organization = _attempted(terms.organization_window, own, now)
    if preapproval is not None:
        of_organization = of_organization.filter(run__organization=preapproval.organization_id)
    by_place = _attempted(terms.location_window, own, now) if terms.location_window else None
    by_zone = _attempted(terms.zone_window, own, now) if terms.zone_window else None
    return Lately(
        organization=_resources(of_organization),
        platform=_resources(_attempted(terms.platform_window, own, now)),
        locations=_counted(by_place, "location__slug"),
        zones=_counted(by_zone, "location__zone"),
    )


def zones() -> Mapping[str, str]:
    """Location -> its zone."""
    return dict(Location.objects.values_list("slug", "zone"))


def cooling(proposal: Proposal, run: Run | None, now: datetime) -> Mapping[str, datetime]:
    """Resource -> until when it is left alone, where a run of the action has changed it lately.

    An undo never waits, nor does what puts back what an undo has broken.
    """
    span = proposal.terms.cool_down
    if not span or proposal.undoes:
        return {}
    changed = Target.objects.filter(
        resource__in=[uuid.UUID(key) for key in proposal.resources],
        run__action__in=[*proposal.actions, EVERYTHING],
        run__undo_of=None,
        attempts__gt=0,
        changed_at__gte=now - span,
    )
    if run is not None:
        changed = changed.exclude(run=run)
    rows = changed.order_by().values_list("resource").annotate(at=Max("changed_at"))
    return {str(resource): at + span for resource, at in rows}


def _attempted(window: Window, own: list[uuid.UUID], now: datetime) -> QuerySet[Target]:
    since = window_start(window.minutes, now)
    return Target.objects.filter(changed_at__gte=since, attempts__gt=0).exclude(resource__in=own)


def _resources(targets: QuerySet[Target]) -> int:
    return targets.values("resource").distinct().count()


def _counted(targets: QuerySet[Target] | None, place: str) -> Mapping[str, int]:
    if targets is None:
        return {}
    rows = targets.order_by().values_list(place).annotate(count=Count("resource", distinct=True))
    return {str(name): count for name, count in rows}
