"""Looks at everything at a constant rate, whatever the number of people watching, and thins what is old."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from incidents.audit.log import recorded
from incidents.engine import diagnosing, incidents, looking, measuring, on_call, snapshots
from incidents.engine.callers import end_over
from incidents.engine.freshness import resting_backends
from incidents.models import (
    Backend,
    Binding,
    Diagnosis,
    Duty,
    Look,
    Measurement,
    Notice,
    Observation,
    Plan,
    Point,
    Probe,
    Resource,
    Snapshot,
)
from incidents.models.clock import database_now

logger = logging.getLogger(__name__)

DUTY = "poll"
# A poller that died is replaced by another one after this; longer than a round in which everything hangs.
LEASE = timedelta(seconds=45)
# Looks are kept all for an hour, then one a minute for a day, then one in ten minutes for 90 days.
THINNING = ((timedelta(hours=1), 60), (timedelta(days=1), 600))
KEEP_LOOKS = timedelta(days=90)
KEEP_UNUSED_PLANS = timedelta(days=1)
# Sessions that are over go so many at a time: anybody can make them, and no statement shall take long.
MOST_SESSIONS = 5000
# Measurements and diagnoses; for states see SNAPSHOT_KEEP_DAYS and OBSERVATION_KEEP_DAYS.
KEEP_HISTORY = timedelta(days=400)


class Poller:
    """The loop of one process. Any number may run; one of them holds the duty and looks, the others wait."""

    def __init__(self) -> None:
        self._owner = f"{socket.gethostname()[:30]}:{os.getpid()}"
        self._stopped = threading.Event()
        self._thinned_at = 0.0
        self._rotas: threading.Thread | None = None

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Polls until it is stopped, a round every `POLL_SECONDS`, neither faster nor slower in trouble."""
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                if self._on_duty():
                    self._ask_who_is_on_call()
                    poll_once()
                    self._thin_sometimes()
            except Exception:  # a database that is away comes back; a poller that died would not
                logger.exception("a round of the poller failed")
            finally:
                close_old_connections()
            self._stopped.wait(max(0.0, settings.POLL_SECONDS - (time.monotonic() - began)))

    def _on_duty(self) -> bool:
        """Takes or renews the duty, by a counted update; False while another process holds it."""
        free = Duty.objects.filter(name=DUTY, lease_until__lt=Now()) | Duty.objects.filter(name=DUTY, owner=self._owner)
        if free.update(owner=self._owner, lease_until=Now() + LEASE) == 1:
            return True
        made = Duty(name=DUTY, owner=self._owner, lease_until=database_now() + LEASE)
        Duty.objects.bulk_create([made], ignore_conflicts=True)
        return Duty.objects.filter(name=DUTY, owner=self._owner).exists()

    def _ask_who_is_on_call(self) -> None:
        """In a thread of its own: an on-call system that hangs must not hold up the looking."""
        if self._rotas is None or not self._rotas.is_alive():
            self._rotas = threading.Thread(target=_refresh_rotas, name="rotas", daemon=True)
            self._rotas.start()

    def _thin_sometimes(self) -> None:
        if time.monotonic() - self._thinned_at > 60:
            self._thinned_at = time.monotonic()
            thin(database_now())


def _refresh_rotas() -> None:
    try:
        on_call.refresh()
    except Exception:  # a database that is away: the next round asks again
        logger.exception("who is on call could not be asked")
    finally:
        close_old_connections()


def poll_once() -> int:
    """One round: observe, measure, keep what is proven good, diagnose, and open or close incidents accordingly.

    Returns how many diagnoses changed.

    Consents whose time is over are ended first, for the pages that show them are made anew only by a change.

    Nothing is held while the network is asked; everything is written in one transaction afterwards.
    """
    now = database_now()
    end_over(now)
    asked = Binding.objects.exclude(backend__in=resting_backends(now))
    bindings = list(asked.values_list("pk", "backend__slug", "key"))
    points = measuring.load_points(Point.objects.all())
    sighted = looking.look(bindings)
    taken = measuring.measure(points)
    with recorded():
        news = looking.find_news(sighted.states, now)
        looking.write_down(news, now, "poller")
        turned = measuring.write_down(taken.readings, now)
        _write_looks(now, bindings, set(news), sighted, points, turned, taken)
        snapshots.keep_good(now, list(sighted.states), list(taken.readings))
        changed = diagnosing.refresh(now, Resource.objects.all())
        incidents.follow(now)
        return changed


def _write_looks(
    now: datetime,
    bindings: list[tuple[int, str, str]],
    changed: set[int],
    sighted: looking.Sighted,
    points: measuring.Points,
    turned: set[int],
    taken: measuring.Round,
) -> None:
    """How each backend and probe answered in this round: one row each."""
    by_backend: dict[str, list[int]] = defaultdict(list)
    for pk, backend, _ in bindings:
        by_backend[backend].append(pk)
    backends = dict(Backend.objects.filter(slug__in=by_backend).values_list("slug", "pk"))
    probes = dict(Probe.objects.filter(slug__in=points).values_list("slug", "pk"))
    rows = [
        Look(
            backend_id=backends[slug],
            at=now,
            answered=slug not in sighted.silent,
            detail=sighted.silent.get(slug, "")[:200],
            looked_at=len(keys),
            changed=len(changed.intersection(keys)),
        )
        for slug, keys in by_backend.items()
    ]
    rows += [
        Look(
            probe_id=probes[slug],
            at=now,
            answered=slug not in taken.broken,
            detail=taken.broken.get(slug, "")[:200],
            looked_at=len(batch),
            changed=len(turned.intersection(point.id for point in batch)),
        )
        for slug, batch in points.items()
    ]
    Look.objects.bulk_create(rows)


def thin(now: datetime) -> int:
    """Drops looks that stand too close together for their age, and what is too old. Returns how many went."""
    gone = Look.objects.filter(at__lt=now - KEEP_LOOKS).delete()[0]
    old = now - KEEP_HISTORY
    gone += Measurement.objects.filter(until__lt=old).delete()[0]
    gone += Diagnosis.objects.filter(until__lt=old).delete()[0]
    gone += _thin_states(now)
    over = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:MOST_SESSIONS]
    gone += Session.objects.filter(pk__in=list(over)).delete()[0]
    gone += Notice.objects.filter(read_at__lt=now - KEEP_LOOKS).delete()[0]
    # What a second person was asked about is kept with their answer.
    gone += Plan.objects.filter(run=None, approval=None, expires_at__lt=now - KEEP_UNUSED_PLANS).delete()[0]
    return gone + _thin_looks(now)


def _thin_states(now: datetime) -> int:
    """What a binding was seen as last, and its known-good state, are kept however old they are."""
    old = now - timedelta(days=settings.OBSERVATION_KEEP_DAYS)
    # What was seen before was still so when that time began, up to the next one: without it nobody could say what was.
    after = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    later = Observation.objects.filter(after, binding=OuterRef("binding"), at__lte=old)
    current = Binding.objects.filter(seen__isnull=False)
    past = Observation.objects.filter(Exists(later), at__lt=old).exclude(pk__in=current.values("seen"))
    gone = past.delete()[0]
    unproven = now - timedelta(days=settings.SNAPSHOT_KEEP_DAYS)
    good = Binding.objects.filter(good__isnull=False)
    return gone + Snapshot.objects.filter(proven_until__lt=unproven).exclude(pk__in=good.values("good")).delete()[0]


def _thin_looks(now: datetime) -> int:
    """Drops looks that stand too close together for their age."""
    gone = 0
    for age, apart in THINNING:
        last: dict[tuple[int | None, int | None], int] = {}
        drop: list[int] = []
        looks = Look.objects.filter(at__lt=now - age, at__gte=now - age - timedelta(hours=2)).order_by("at")
        for pk, backend, probe, at in looks.values_list("pk", "backend_id", "probe_id", "at"):
            slot = int(at.timestamp()) // apart
            if last.get((backend, probe)) == slot:
                drop.append(pk)
            last[backend, probe] = slot
        gone += Look.objects.filter(pk__in=drop).delete()[0]
    return gone
