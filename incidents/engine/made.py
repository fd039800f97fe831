"""What runs have changed, read from their plans and their targets."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping

from incidents.domain.changes import Change, State, whole_way
from incidents.models import Run, Target


def changes_sent(runs: Collection[Run]) -> Mapping[uuid.UUID, list[Change]]:
    """Every change that each of these runs (by its id) itself sent, step by step, in order. One query.

    Also where it ended without knowing the outcome, for that may have been done since.
    """
    plans = {run.pk: run.plan.thaw() for run in runs}
    sent: dict[uuid.UUID, list[Change]] = defaultdict(list)
    rows = Target.objects.filter(run__in=plans, attempts__gt=0).order_by("index")
    for run, index in rows.values_list("run_id", "index") if plans else ():
        sent[run].append(plans[run].changes[index])
    return sent


def changes_made(run: Run) -> tuple[Change, ...]:
    """The same of one run, one change a binding: from before its first step to after its last one."""
    return whole_way(changes_sent([run]).get(run.pk, ()))


def states_of(runs: Collection[Run]) -> dict[str, list[State]]:
    """Binding -> every state that these runs may have brought it to, or found it in: none of them is anybody else's."""
    found: dict[str, list[State]] = defaultdict(list)
    for changes in changes_sent(runs).values():
        for change in changes:
            found[change.binding] += (change.before, change.after)
    return found
