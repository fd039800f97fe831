"""The last look before a run is called a success: at every location of every stage, together."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta

from incidents.audit.log import ENGINE, Entry, append, in_batches, recorded
from incidents.domain.changes import same
from incidents.domain.proofs import Role
from incidents.domain.runs import Step
from incidents.domain.verdicts import Mark, opposite
from incidents.engine import looking, measuring
from incidents.engine.passes import Pass
from incidents.models import Point, RunReading, StageVerdict, Target

# A single bad reading at the end does not undo a proof; three in a row do.
TRIES = 3
# A look that is older, as after a pause, says nothing of now.
JUST_NOW = timedelta(seconds=5)
APART_SECONDS = 0.5


def confirm(opened: Pass) -> None:
    """Looks at everything that the run has brought in place, and says in `opened.whole` whether it still is.

    A run of one stage has just been looked at. What has come undone is marked, so that the page can name it.
    """
    opened.whole = True
    just_now = opened.looked_at is not None and opened.claim.now() - opened.looked_at < JUST_NOW
    if opened.run.stage == 0 and just_now:
        return
    for attempt in range(TRIES):
        undone = _undone(opened)
        opened.whole = not undone
        if opened.whole:
            return
        if attempt + 1 < TRIES:
            time.sleep(APART_SECONDS)
            opened.claim.renew()
    _mark(opened, undone)


def _undone(opened: Pass) -> dict[int, Target]:
    """Targets that are no longer as planned, or no longer seen from outside as they were proven; by their index."""
    run, changes = opened.run, opened.plan.changes
    done = Target.objects.filter(run=run, step__in=(Step.IN_PLACE, Step.VERIFIED)).select_related("location")
    # Where a binding was changed step by step, only the last step is still to be seen.
    rows = {row.index: row for row in {row.binding_id: row for row in done.order_by("index")}.values()}
    sighted = looking.look((int(changes[index].binding), changes[index].backend, changes[index].key) for index in rows)
    moved = {
        index: row
        for index, row in rows.items()
        if not same(sighted.states.get(int(changes[index].binding), changes[index].after), changes[index].after)
    }
    wrong = _wrong_places(opened)
    return moved | {
        index: row
        for index, row in rows.items()
        if row.step == Step.VERIFIED and (changes[index].resource, changes[index].location) in wrong
    }


def _wrong_places(opened: Pass) -> set[tuple[str, str]]:
    """(resource, location) where a point of a proven stage says the opposite of what it said when it was proven.

    A probe that is out of order in this moment contradicts nothing.
    """
    proven = StageVerdict.objects.filter(run=opened.run, mark=Mark.PASS).values("stage")
    rows = RunReading.objects.filter(run=opened.run, stage__in=proven, point__isnull=False, role=Role.PROVE)
    wanted = {
        point: (mark, (str(resource), location))
        for point, mark, resource, location in rows.values_list("point_id", "wanted", "resource_id", "location__slug")
    }
    taken = measuring.measure(measuring.load_points(Point.objects.filter(pk__in=rows.values("point_id"))))
    return {place for point, (mark, place) in wanted.items() if taken.readings[point].mark is opposite(Mark(mark))}


def _mark(opened: Pass, undone: dict[int, Target]) -> None:
    """Writes down, at each location, that what was in place is no longer."""
    now, run = opened.claim.now(), opened.run
    names: dict[str, list[str]] = defaultdict(list)
    for index, row in undone.items():
        names[row.location.slug].append(opened.plan.changes[index].name)
    with recorded():
        opened.claim.write()
        rows = Target.objects.filter(pk__in=[row.pk for row in undone.values()])
        rows.update(step=Step.FAILED, because="target.came-undone", changed_at=now)
        append(
            *[
                Entry(
                    "target.came-undone",
                    ENGINE,
                    run.organization.slug,
                    str(run.pk),
                    {"reference": run.reference, "location": location, "resources": some},
                )
                for location, all_of_them in names.items()
                for some in in_batches(all_of_them)
            ]
        )
