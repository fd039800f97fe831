"""Whether a run waits for a person."""

from __future__ import annotations

from incidents.domain.runs import Phase
from incidents.models import Run, StageVerdict


def waits_for_person(run: Run) -> bool:
    """Whether it asks, and nobody has answered yet. Whoever answered may be faster than the next pass. One query."""
    if run.phase != Phase.PAUSED:
        return False
    return not StageVerdict.objects.filter(run=run, stage=run.stage).exclude(overruled_by=None).exists()
