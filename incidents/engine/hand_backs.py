"""The promise that a change goes back by itself: made with its run, kept in a row until it is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.changes import State, same, whole_way
from incidents.domain.runs import Outcome
from incidents.engine.made import changes_made, changes_sent
from incidents.models import Binding, HandBack, Run, Target


def promise(run: Run, due_at: datetime) -> None:
    """What this run changes is put back at that time. Call it in the transaction that makes the run."""
    HandBack.objects.create(run=run, due_at=due_at, try_at=due_at)


def settle(run: Run, outcome: Outcome, now: datetime) -> None:
    """What the end of a run means for promises: its own, the one that it keeps, and those of others.

    Call it in the transaction that ends the run.
    """
    if not Target.objects.filter(run=run, attempts__gt=0).exists():
        open_row = HandBack.objects.filter(run=run, ended_at=None)
        open_row.update(ended_at=now, because="hand-back.nothing-changed", detail="")
        return
    # While it was under way nobody could bring anything back.
    HandBack.objects.filter(run=run, ended_at=None).update(try_at=Greatest(F("due_at"), Value(now)), tries=0)
    if outcome is not Outcome.SUCCEEDED:
        return
    if run.undo_of_id is not None:
        kept = HandBack.objects.filter(Q(done_by=run) | Q(run=run.undo_of_id), ended_at=None)
        kept.update(done_by=run, ended_at=now, because="", detail="")
    _supersede(run, now)


def _supersede(run: Run, now: datetime) -> None:
    """Ends promises of others whose every location is as it should be by now, because this run has brought it there."""
    touched = Target.objects.filter(binding__in=run.targets.values("binding"), attempts__gt=0).exclude(run=run)
    for row in HandBack.objects.filter(ended_at=None, run__in=touched.values("run")).select_related("run__plan"):
        made = {int(change.binding): change for change in changes_made(row.run)}
        seen = dict(Binding.objects.filter(pk__in=made).values_list("pk", "seen__state"))
        if all(seen.get(pk) is not None and same(seen[pk], change.before) for pk, change in made.items()):
            HandBack.objects.filter(pk=row.pk).update(
                ended_at=now, because="hand-back.superseded", detail=f"By {run.reference}."
            )
            data = {"reference": row.run.reference, "because": "hand-back.superseded", "detail": run.reference}
            append(Entry("hand-back.ended", ENGINE, run.organization.slug, str(row.run_id), data))


def states_away() -> Mapping[str, Sequence[State]]:
    """Id of a binding that is changed for a while only -> the states that the run which did it may have left.

    At most two queries, however many promises are open.
    """
    runs = [row.run for row in HandBack.objects.filter(ended_at=None).select_related("run__plan")]
    away: dict[str, list[State]] = defaultdict(list)
    for changes in changes_sent(runs).values():
        start = {change.binding: change.before for change in whole_way(changes)}
        for change in changes:
            away[change.binding] += [
                state for state in (change.before, change.after) if not same(state, start[change.binding])
            ]
    return away
