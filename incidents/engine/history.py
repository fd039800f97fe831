"""What was running where at a moment that has passed, from what was seen then, and how well that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from incidents.domain.changes import State
from incidents.engine.freshness import FRESH, ROUNDS
from incidents.models import Backend, Binding, Look, Observation
from incidents.models.clock import database_now

# Of looks all are kept for an hour, then one a minute for a day, then one in ten minutes: see `engine.poller`.
APART = ((timedelta(days=1), timedelta(minutes=20)), (timedelta(hours=1), timedelta(minutes=2)))


@dataclass(frozen=True, slots=True)
class Was:
    """What one binding was at a moment.

    Args:
        state: what it was when it was seen last before the moment; None before the first observation that is kept.
        since: since when it was seen so.
        answered: whether its backend answered in the look that is kept nearest before the moment; None where no look
            near enough is kept, so nobody knows whether the state was still true.
        looked_at: when that look was; None where there is none.
        detail: why the backend did not answer, for people.
        elsewhere: whether the binding was at another backend or key then; nothing is known of how that one answered.
    """

    state: State | None
    since: datetime | None
    answered: bool | None = None
    looked_at: datetime | None = None
    detail: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class _Heard:
    answered: bool | None
    at: datetime | None = None
    detail: str = ""


def was_at(bindings: QuerySet[Binding], moment: datetime) -> Mapping[int, Was]:
    """Id of each binding -> what it was at that moment. Six queries, however many bindings."""
    newest = Observation.objects.filter(binding=OuterRef("pk"), at__lte=moment).order_by("-at", "-pk").values("pk")
    chosen = bindings.order_by().annotate(newest=Subquery(newest[:1])).values("newest")
    rows = Observation.objects.filter(pk__in=chosen).values_list("binding_id", "state", "at")
    seen = {binding: (state, at) for binding, state, at in rows}
    heard = _heard(bindings, moment)
    found: dict[int, Was] = {}
    for pk, backend, moved_at in bindings.order_by().values_list("pk", "backend_id", "moved_at"):
        state, since = seen.get(pk, (None, None))
        if moved_at is not None and moved_at > moment:
            found[pk] = Was(state, since, elsewhere=True)
        else:
            then = heard[backend]
            found[pk] = Was(state, since, then.answered, then.at, then.detail)
    return found


def _heard(bindings: QuerySet[Binding], moment: datetime) -> Mapping[int, _Heard]:
    """Id of each backend of these -> how it answered at that moment."""
    newest = Look.objects.filter(backend=OuterRef("pk"), at__lte=moment).order_by("-at").values("pk")[:1]
    asked = Backend.objects.filter(pk__in=bindings.order_by().values("backend"))
    backends = dict(asked.values_list("pk", "every_seconds"))
    looks = Look.objects.filter(pk__in=asked.order_by().annotate(newest=Subquery(newest)).values("newest"))
    found = dict.fromkeys(backends, _Heard(None))
    age = database_now() - moment
    for backend, at, answered, detail in looks.values_list("backend_id", "at", "answered", "detail"):
        if backend is not None:
            near = moment - at <= _apart(age, backends[backend])
            found[backend] = _Heard(answered if near else None, at, detail)
    return found


def _apart(age: timedelta, every_seconds: int) -> timedelta:
    """How far before the moment a look may lie to tell of it: as far as those that are kept stand apart."""
    kept = next((apart for older, apart in APART if age > older), FRESH)
    return max(kept, ROUNDS * timedelta(seconds=every_seconds))
