"""Reads known-good states, now and at a moment that has passed, and never gives one that is damaged."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery

from incidents.domain.facts import Good
from incidents.domain.known_good import is_whole
from incidents.models import Binding, Resource, Snapshot

logger = logging.getLogger(__name__)

# What was proven where a binding was before says nothing about the place where it is.
HERE = Q(binding__moved_at__isnull=True) | Q(proven_at__gte=F("binding__moved_at"))
# Snapshots that this process has warned of: each is told once, and not in every round of the poller.
_told: set[int] = set()


def good_of(row: Snapshot) -> Good:
    """A snapshot as facts have it."""
    return Good(row.state, row.proven_at, row.proven_until, tuple(row.proof))


def first_proven(resources: Collection[Resource]) -> datetime | None:
    """When any of these was first proven to work, as far as it is still known. One query."""
    at: datetime | None = Snapshot.objects.filter(binding__resource__in=resources).aggregate(at=Min("proven_at"))["at"]
    return at


def instead_of(bindings: Collection[int]) -> Mapping[int, Good | None]:
    """What stands in for the known-good state of each of these bindings (ids), which was found to be damaged.

    The newest older one that is whole; None where there is none. One query, none for no bindings.
    """
    return _newest_whole(bindings, Q()) if bindings else {}


def good_at(bindings: QuerySet[Binding], moment: datetime) -> Mapping[int, Good | None]:
    """Id of each binding -> its newest state that was proven good by that moment and is not damaged.

    None where there is none: nothing was proven by then, it was kept no longer, or the binding was at another place.
    Whether the state was still so at that moment says `was_at`. Two queries however many bindings, three where
    something is damaged.
    """
    by_then = Q(proven_at__lte=moment)
    newest = Snapshot.objects.filter(by_then, HERE, binding=OuterRef("pk")).order_by("-proven_at", "-pk").values("pk")
    chosen = bindings.order_by().annotate(newest=Subquery(newest[:1])).values("newest")
    rows = Snapshot.objects.filter(pk__in=chosen)
    found: dict[int, Good | None] = dict.fromkeys(bindings.order_by().values_list("pk", flat=True))
    damaged = []
    for row in rows:
        if is_whole(row.state, row.digest):
            found[row.binding_id] = good_of(row)
        else:
            damaged.append(row.binding_id)
    return {**found, **_newest_whole(damaged, by_then)} if damaged else found


def _newest_whole(bindings: Collection[int], which: Q) -> Mapping[int, Good | None]:
    """Damage is rare, so it may cost: reads from the newest on until one is whole, and warns of each that is not."""
    found: dict[int, Good | None] = dict.fromkeys(bindings)
    rows = Snapshot.objects.filter(which, HERE, binding__in=bindings).order_by("binding", "-proven_at", "-pk")
    for row in rows.iterator(chunk_size=500):
        if found[row.binding_id] is not None:
            continue
        if is_whole(row.state, row.digest):
            found[row.binding_id] = good_of(row)
        elif row.pk not in _told:
            _told.add(row.pk)
            logger.warning(
                "the known-good state %s is damaged and is not used: manage.py snapshots show %s", row.pk, row.pk
            )
    return found
