"""Whether there is capacity for the next step of moving traffic, asked again just before it: a preview grows old."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from incidents.domain.changes import Change
from incidents.domain.findings import Finding, blockers
from incidents.domain.traffic import Steps, not_ready, shortage
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
        steps = Steps(0, mine, (tuple(range(len(mine))),), (100,))
        found += shortage(resource, steps, minimum_percent)
        found += not_ready(resource, steps)
    return blockers(found)
