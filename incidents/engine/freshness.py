"""What is known well enough to be relied on: how long ago each backend and probe last answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from incidents.models import Backend, Look

# What was not looked at for this long is not known any more: two rounds in which everything that can hang hangs.
FRESH = timedelta(seconds=45)
# A backend that is asked seldom, for its owner counts the calls, is believed for so many of its own rounds.
ROUNDS = 3


def fresh_probes(now: datetime) -> set[int]:
    """Ids of the probes that answered lately. One query."""
    return _answered("probe", now)


def fresh_backends(now: datetime) -> set[int]:
    """Ids of the backends that answered lately, each by its own measure. Two queries, and one for each slow backend."""
    fresh = _answered("backend", now)
    slow = Backend.objects.filter(every_seconds__gt=0).exclude(pk__in=fresh)
    for pk, seconds in slow.values_list("pk", "every_seconds"):
        at = Look.objects.filter(backend=pk, answered=True).aggregate(at=Max("at"))["at"]
        if at is not None and now - at < max(FRESH, ROUNDS * timedelta(seconds=seconds)):
            fresh.add(pk)
    return fresh


def resting_backends(now: datetime) -> set[int]:
    """Ids of the backends whose turn has not come: they are asked seldom, and were asked a short time ago."""
    slow = Backend.objects.filter(every_seconds__gt=0).annotate(at=Max("looks__at"))
    return {
        pk
        for pk, seconds, at in slow.values_list("pk", "every_seconds", "at")
        if at is not None and now - at < timedelta(seconds=seconds)
    }


def _answered(what: str, now: datetime) -> set[int]:
    looks = Look.objects.filter(at__gte=now - FRESH, answered=True, **{f"{what}__isnull": False})
    return set(looks.order_by().values_list(what, flat=True).distinct())
