"""Keeps the states that are proven good: unchanged for a while, and every probe through that location green."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery

from incidents.domain.canonical import digest
from incidents.domain.changes import State, is_up, labelled, same, settings_of, status_of
from incidents.domain.known_good import is_damaged
from incidents.domain.runs import Outcome
from incidents.domain.verdicts import Mark
from incidents.engine.made import states_of
from incidents.models import Binding, Measurement, Point, ResourceLock, Run, Snapshot, SnapshotRelease, Target
from incidents.models.bulk import insert
from incidents.models.clock import database_now

# Aspects whose change is felt only some time after it was made.
LATE = ("source", "document", "rrset", "keyset")


class Proven(NamedTuple):
    """A binding whose state is proven in this round, with its snapshot so far."""

    pk: int
    resource: uuid.UUID
    aspect: str
    state: State
    good: int | None
    known: State | None
    probes: list[str]

    @property
    def is_new(self) -> bool:
        return self.known is None or not same(self.state, self.known)


def keep_good(now: datetime, observed: Collection[int], measured: Collection[int]) -> int:
    """Makes or refreshes snapshots from what this round of the poller saw. Returns how many are new.

    Call it inside a transaction. A state counts when its backend told it in this round (`observed`, ids of
    bindings) and has nothing left to do for it, when it has been so for long enough, when no run is at the resource
    and it is not changed for a while only, and when every point of the resource through that
    location was read in this round (`measured`, ids of points) and passes. Without any point nothing is proven. A
    route that is not advertised, or a service that is not bound, is nobody's known-good state.
    """
    green = _green(measured)
    columns = ("pk", "resource_id", "location_id", "aspect", "seen__state", "good_id", "good__state", "good__digest")
    rows = list(Binding.objects.filter(_old_enough(now), pk__in=observed).values_list(*columns))
    unready = _not_carried_out({row[1] for row in rows if row[3] == "source"}, observed)
    moving = _moving()
    proven = [
        # A damaged one is none: where all is well, a new one takes its place at once.
        Proven(
            pk,
            resource,
            aspect,
            labelled(state),
            good,
            None if is_damaged(known, taken) else known,
            green[resource, location],
        )
        for pk, resource, location, aspect, state, good, known, taken in rows
        if (resource, location) in green
        and resource not in moving
        and _is_good(state)
        and not (aspect == "source" and (resource, location) in unready)
    ]
    unchanged = [one.good for one in proven if one.good is not None and not one.is_new]
    # Never back, should the clock have gone back: the database would refuse it, and the whole round with it.
    Snapshot.objects.filter(pk__in=unchanged, proven_until__lt=now).update(proven_until=now)
    candidates = _whole_pools([one for one in proven if one.is_new], proven)
    left = _left_unproven([one.pk for one in candidates])
    new = [
        (one.pk, one.state, digest(settings_of(one.state)), one.probes)
        for one in candidates
        if not any(same(one.state, state) for state in left.get(str(one.pk), ()))
    ]
    insert(Snapshot, new, "binding_id", "state", "digest", "proof", proven_at=now, proven_until=now)
    newest = Snapshot.objects.filter(binding=OuterRef("pk")).order_by("-proven_at", "-pk").values("pk")[:1]
    Binding.objects.filter(pk__in=[row[0] for row in new]).update(good=Subquery(newest))
    return len(new)


@contextmanager
def released() -> Iterator[None]:
    """What is deleted inside takes its known-good states with it, however young: see `audit.snapshot_fence`.

    Call it inside a transaction; the release is seen by no other one.
    """
    row = SnapshotRelease.objects.create(at=database_now())
    yield
    row.delete()


def _old_enough(now: datetime) -> Q:
    """Bindings that have been as they are for long enough.

    What is written down in Git is carried out only when its controller gets to it, others keep an answer of the DNS for
    a while, and until then the probes are green because of what was there before; so these have to stand longer.
    """
    soon = now - timedelta(seconds=settings.SNAPSHOT_AFTER_SECONDS)
    late = now - timedelta(seconds=settings.SNAPSHOT_SOURCE_AFTER_SECONDS)
    return Q(aspect__in=LATE, seen__at__lte=late) | ~Q(aspect__in=LATE) & Q(seen__at__lte=soon)


def _moving() -> frozenset[object]:
    """Resources that are not as they shall be: a run is changing them, or they are changed for a while only."""
    locks = ResourceLock.objects.filter(
        Q(live=True) | Q(run__hand_back__isnull=False, run__hand_back__ended_at__isnull=True)
    )
    return frozenset(locks.values_list("resource_id", flat=True))


def _not_carried_out(resources: Collection[uuid.UUID], observed: Collection[int]) -> frozenset[tuple[object, int]]:
    """Places of these where a cluster has not carried out what Git says: green probes prove the old version there."""
    deploys = Binding.objects.filter(aspect="deploy", resource__in=resources)
    rows = deploys.values_list("pk", "resource_id", "location_id", "seen__state")
    return frozenset(
        (resource, location)
        for pk, resource, location, state in rows
        if pk not in observed or state is None or not _is_good(state)
    )


def _whole_pools(candidates: Sequence[Proven], proven: Sequence[Proven]) -> list[Proven]:
    """Without those of pools of which not every location is proven now: shares of different moments make no whole."""
    ready = {one.pk for one in proven}
    pools = {one.resource for one in candidates if one.aspect == "weight"}
    sides = Binding.objects.filter(resource__in=pools, aspect="weight", good__isnull=False) if pools else ()
    torn = {side.resource_id for side in sides if side.pk not in ready}
    return [one for one in candidates if one.resource not in torn]


def _left_unproven(bindings: Collection[int]) -> Mapping[str, Sequence[State]]:
    """Binding -> the states that the newest run at it had to do with, where that has not succeeded.

    Half of a way is nothing to go back to, however green.
    """
    rows = Target.objects.filter(binding__in=bindings, attempts__gt=0, run__ended_at__isnull=False)
    newest = dict(rows.order_by("changed_at", "pk").values_list("binding_id", "run_id"))
    failed = Run.objects.filter(pk__in=set(newest.values())).exclude(outcome=Outcome.SUCCEEDED).select_related("plan")
    found = {run.pk: states_of([run]) for run in failed}
    return {str(pk): found[run].get(str(pk), ()) for pk, run in newest.items() if run in found}


def _is_good(state: State) -> bool:
    """Whether this is a state to go back to: it serves, and its backend has nothing left to do for it."""
    status = status_of(state)
    return is_up(state) and status.get("settled") is not False and not status.get("problem")


def _green(measured: Collection[int]) -> dict[tuple[object, int], list[str]]:
    """(resource, location) -> the probes that pass there; only where every one does."""
    marks = Measurement.objects.filter(until__isnull=True, mark=Mark.PASS).values_list("point_id", flat=True)
    passing = set(marks) & set(measured)
    probes: dict[tuple[object, int], list[str]] = defaultdict(list)
    red: set[tuple[object, int]] = set()
    for point, resource, location, probe in Point.objects.values_list(
        "pk", "resource_id", "location_id", "probe__slug"
    ):
        if point in passing:
            probes[resource, location].append(probe)
        else:
            red.add((resource, location))
    return {place: names for place, names in probes.items() if place not in red}
