"""Keeps the states that are proven good: unchanged for a while, and every probe through that location green."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, OuterRef, Q, Subquery

from incidents.domain.canonical import digest
from incidents.domain.changes import State, is_up, labelled, same, settings_of, status_of
from incidents.domain.runs import Outcome
from incidents.domain.verdicts import Mark
from incidents.models import Binding, Measurement, Point, ResourceLock, Snapshot, Target
from incidents.models.bulk import insert


def keep_good(now: datetime, observed: Collection[int], measured: Collection[int]) -> int:
    """Makes or refreshes snapshots from what this round of the poller saw. Returns how many are new.

    Call it inside a transaction. A state counts when its backend told it in this round (`observed`, ids of
    bindings) and has nothing left to do for it, when it has been so for long enough, when no run is at the resource
    and it is not changed for a while only, and when every point of the resource through that
    location was read in this round (`measured`, ids of points) and passes. Without any point nothing is proven. A
    route that is not advertised, or a service that is not bound, is nobody's known-good state.
    """
    green = _green(measured)
    rows = Binding.objects.filter(_old_enough(now), pk__in=observed).values_list(
        "pk", "resource_id", "location_id", "seen__state", "good_id", "good__state"
    )
    moving, unproven = _moving(), _left_unproven(observed)
    proven = [
        (pk, labelled(state), good, good_state, green[resource, location])
        for pk, resource, location, state, good, good_state in rows
        if (resource, location) in green and resource not in moving and _is_good(state)
    ]
    unchanged = [good for _, state, good, known, _ in proven if known is not None and same(state, known)]
    Snapshot.objects.filter(pk__in=unchanged).update(proven_until=now)
    new = [
        (pk, state, digest(settings_of(state)), probes)
        for pk, state, _, known, probes in proven
        if (known is None or not same(state, known)) and pk not in unproven
    ]
    insert(Snapshot, new, "binding_id", "state", "digest", "proof", proven_at=now, proven_until=now)
    newest = Snapshot.objects.filter(binding=OuterRef("pk")).order_by("-proven_at", "-pk").values("pk")[:1]
    Binding.objects.filter(pk__in=[pk for pk, *_ in new]).update(good=Subquery(newest))
    return len(new)


def _old_enough(now: datetime) -> Q:
    """Bindings that have been as they are for long enough.

    What is written down in Git is carried out only when its controller gets to it, and until then the probes are green
    because of what was there before; so a `source` has to stand longer.
    """
    soon = now - timedelta(seconds=settings.SNAPSHOT_AFTER_SECONDS)
    late = now - timedelta(seconds=settings.SNAPSHOT_SOURCE_AFTER_SECONDS)
    return Q(aspect="source", seen__at__lte=late) | ~Q(aspect="source") & Q(seen__at__lte=soon)


def _moving() -> frozenset[object]:
    """Resources that are not as they shall be: a run is changing them, or they are changed for a while only."""
    locks = ResourceLock.objects.filter(
        Q(live=True) | Q(run__hand_back__isnull=False, run__hand_back__ended_at__isnull=True)
    )
    return frozenset(locks.values_list("resource_id", flat=True))


def _left_unproven(observed: Collection[int]) -> frozenset[int]:
    """Bindings that are still as a run left them that did not succeed: half of a way is nothing to go back to."""
    rows = Target.objects.filter(
        binding__in=observed, attempts__gt=0, run__ended_at__gte=F("binding__seen__at")
    ).exclude(run__outcome=Outcome.SUCCEEDED)
    return frozenset(rows.filter(binding__isnull=False).values_list("binding__pk", flat=True))


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
