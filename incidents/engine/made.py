"""What a run has changed, read from its plan and its targets."""

from __future__ import annotations

from collections.abc import Iterable

from incidents.domain.changes import Change, State, whole_way
from incidents.domain.plans import thaw
from incidents.models import Run, Target


def changes_made(run: Run) -> tuple[Change, ...]:
    """What the run itself sent, one change a binding: from before its first step to after its last one.

    Also where it ended without knowing the outcome, for that may have been done since.
    """
    plan = thaw(bytes(run.plan.body), run.plan.digest)
    sent = Target.objects.filter(run=run, attempts__gt=0).order_by("index")
    return whole_way(plan.changes[index] for index in sent.values_list("index", flat=True))


def states_of(runs: Iterable[Run]) -> dict[str, list[State]]:
    """Binding -> every state that these runs may have brought it to, or found it in: none of them is anybody else's."""
    found: dict[str, list[State]] = {}
    for run in runs:
        plan = thaw(bytes(run.plan.body), run.plan.digest)
        for index in Target.objects.filter(run=run, attempts__gt=0).values_list("index", flat=True):
            change = plan.changes[index]
            found.setdefault(change.binding, []).extend((change.before, change.after))
    return found
