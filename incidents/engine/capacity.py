"""Whether there is capacity for the next step of moving traffic, asked again just before it: a preview grows old."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from incidents.domain.changes import Change
from incidents.domain.facts import ResourceFacts
from incidents.domain.findings import Finding, Severity, blockers
from incidents.domain.traffic import Steps, effective, is_ready, shortage
from incidents.engine.facts import load_facts
from incidents.models import Resource


def shortage_now(changes: Sequence[Change], minimum_percent: int, source: str) -> tuple[Finding, ...]:
    """Looks at the whole pool, and gives what speaks against this step: blockers only.

    Args:
        source: who looks, for the observation.
    """
    resources = list(Resource.objects.filter(pk__in={uuid.UUID(change.resource) for change in changes}))
    found: list[Finding] = []
    for resource in load_facts(resources, source):
        mine = tuple(change for change in changes if change.resource == resource.id)
        steps = Steps(0, mine, (tuple(range(len(mine))),))
        found += shortage(resource, steps, minimum_percent)
        found += _not_ready(resource, mine)
    return blockers(tuple(found))


def _not_ready(resource: ResourceFacts, changes: Sequence[Change]) -> Iterator[Finding]:
    """Locations that would get more than they have although they cannot take it."""
    sides = {side.id: side for side in resource.bindings}
    for change in changes:
        side = sides.get(change.binding)
        if side is None or side.now is None:
            continue
        if is_ready(side) is False and effective(change.after) > effective(side.now):
            text = f"{side.location_title} is not ready to serve {resource.name} any more."
            yield Finding("guard.not-ready", Severity.BLOCKER, text, resource.name)
