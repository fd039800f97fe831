"""Keeps the states that are proven good: unchanged for a while, and every probe through that location green."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Subquery

from incidents.domain.canonical import digest
from incidents.domain.changes import is_up
from incidents.domain.verdicts import Mark
from incidents.models import Binding, Measurement, Point, Snapshot
from incidents.models.bulk import insert


def keep_good(now: datetime, observed: Collection[int], measured: Collection[int]) -> int:
    """Makes or refreshes snapshots from what this round of the poller saw. Returns how many are new.

    Call it inside a transaction. A state counts when its backend told it in this round (`observed`, ids of
    bindings), when it has been so for `SNAPSHOT_AFTER_SECONDS`, and when every point of the resource through that
    location was read in this round (`measured`, ids of points) and passes. Without any point nothing is proven. A
    route that is not advertised, or a service that is not bound, is nobody's known-good state.
    """
    green = _green(measured)
    settled = now - timedelta(seconds=settings.SNAPSHOT_AFTER_SECONDS)
    rows = Binding.objects.filter(pk__in=observed, seen__at__lte=settled).values_list(
        "pk", "resource_id", "location_id", "seen__state", "good_id", "good__state"
    )
    proven = [
        (pk, state, good, good_state, green[resource, location])
        for pk, resource, location, state, good, good_state in rows
        if (resource, location) in green and is_up(state)
    ]
    Snapshot.objects.filter(pk__in=[good for _, state, good, known, _ in proven if state == known]).update(
        proven_until=now
    )
    new = [(pk, state, digest(state), probes) for pk, state, _, known, probes in proven if state != known]
    insert(Snapshot, new, "binding_id", "state", "digest", "proof", proven_at=now, proven_until=now)
    newest = Snapshot.objects.filter(binding=OuterRef("pk")).order_by("-proven_at", "-pk").values("pk")[:1]
    Binding.objects.filter(pk__in=[pk for pk, *_ in new]).update(good=Subquery(newest))
    return len(new)


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
