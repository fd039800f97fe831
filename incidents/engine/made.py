"""What a run has changed, read from its plan and its targets."""

from __future__ import annotations

from incidents.domain.changes import Change, whole_way
from incidents.domain.plans import thaw
from incidents.models import Run, Target


def changes_made(run: Run) -> tuple[Change, ...]:
    """What the run itself sent, one change a binding: from before its first step to after its last one.

    Also where it ended without knowing the outcome, for that may have been done since.
    """
    plan = thaw(bytes(run.plan.body), run.plan.digest)
    sent = Target.objects.filter(run=run, attempts__gt=0).order_by("index")
    return whole_way(plan.changes[index] for index in sent.values_list("index", flat=True))
