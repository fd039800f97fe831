"""The strips of reachability on a page: what every location saw over time, and the runs of that time.

Three queries for all strips of a page: stretches, looks of the probes, runs.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, F, FilteredRelation, Q, Value, When

from incidents.domain.strip import (
    RANK,
    SLOW_MILLISECONDS,
    Interval,
    Piece,
    Seen,
    Span,
    Stretch,
    known_parts,
    lasted,
    pieces,
    seen_as,
    vouched,
    worst_of,
)
from incidents.engine.freshness import FRESH
from incidents.engine.history import APART
from incidents.models import Look, Point, ResourceLock, Run

# So many stretches, looks and runs are read, the newest. What is older is drawn as no data, and said.
MOST_STRETCHES, MOST_LOOKS, MOST_RUNS = 10_000, 20_000, 12
# Up to so many resources each point is told apart; of more, those that said the same at the same time are one.
APART_UP_TO = 20


@dataclass(frozen=True, slots=True)
class Row:
    """What was seen through one location; the pieces cover the span of the strip."""

    title: str
    pieces: tuple[Piece, ...]

    @property
    def worst(self) -> Seen:
        return worst_of(self.pieces)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run in the time of the strip; `undo_of` is the reference of the run that it takes back, or empty."""

    reference: str
    began: datetime
    ended: datetime | None
    undo_of: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip.

    Args:
        rows: those that are shown: in the order of visiting, or where there are more than fit, the worst first.
        others: how many more there are, by the worst that they saw.
        runs: the newest, in order of time; `more_runs` tells whether there were others.
        since: from when on everything could be read; None where nothing had to be left out.
    """

    span: Span
    rows: tuple[Row, ...]
    others: Mapping[Seen, int]
    runs: tuple[Ran, ...]
    more_runs: bool
    since: datetime | None

    @property
    def locations(self) -> int:
        return len(self.rows) + sum(self.others.values())


def read_each(resources: Collection[uuid.UUID], span: Span, most: int) -> dict[uuid.UUID, Strip]:
    """A strip for each of these resources that anything looks at, with at most so many rows."""
    if not resources:
        return {}
    read = _read(resources, span)
    runs: dict[uuid.UUID, list[Ran]] = defaultdict(list)
    for resource, ran in _runs(resources, span):
        runs[resource].append(ran)
    grouped: dict[uuid.UUID, list[_Said]] = defaultdict(list)
    for said in read.said:
        grouped[said.resource].append(said)
    return {resource: _strip(read, said, runs[resource], span, most) for resource, said in grouped.items()}


def read_together(resources: Collection[uuid.UUID], span: Span, most: int) -> Strip | None:
    """One strip for all of these resources, the worst of them at each location; None where nothing looks at them."""
    read = _read(resources, span)
    runs = {ran.reference: ran for _, ran in _runs(resources, span)}
    return _strip(read, read.said, list(runs.values()), span, most) if read.said else None


def resources_of(run: Run) -> list[uuid.UUID]:
    """What a run changes. One query."""
    return list(run.locks.values_list("resource_id", flat=True))


@dataclass(frozen=True, slots=True)
class _Said:
    """One stretch of one point; without `since` the point said nothing in the span."""

    resource: uuid.UUID
    position: int
    title: str
    point: int
    probe: int
    mark: str | None
    slow: bool
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _Read:
    said: list[_Said]
    known: Mapping[int, Sequence[Interval]]
    since: datetime | None


def _read(resources: Collection[uuid.UUID], span: Span) -> _Read:
    # The newest end first, so that what is left out is the oldest; an open stretch has none and must not be lost.
    inside = Q(measurements__since__lt=span.end) & (
        Q(measurements__until__isnull=True) | Q(measurements__until__gt=span.begin)
    )
    told = Point.objects.filter(resource__in=resources).annotate(
        m=FilteredRelation("measurements", condition=inside),
        said_by=F("pk") if len(resources) <= APART_UP_TO else F("probe_id"),
        slow=Case(When(m__milliseconds__gte=SLOW_MILLISECONDS, then=Value(True)), default=Value(False)),
    )
    columns = ("resource_id", "location__position", "location__title", "said_by", "probe_id")
    rows = told.order_by(F("m__since").desc(nulls_first=True)).distinct()
    stretches = rows.values_list(*columns, "m__mark", "slow", "m__since", "m__until")[:MOST_STRETCHES]
    said = [_Said(*values) for values in stretches]
    since = said[-1].since if len(said) == MOST_STRETCHES else None
    known = _known({one.probe for one in said}, said, span)
    if since is not None:
        known = {probe: [(max(a, since), b) for a, b in spans if b > since] for probe, spans in known.items()}
    return _Read(said, known, since)


def _known(probes: Collection[int], said: Iterable[_Said], span: Span) -> dict[int, list[Interval]]:
    """When each probe was looked through. The beginning of a stretch was a look too."""
    vouching: dict[int, list[Interval]] = {probe: [] for probe in probes}
    longest = max(reach for _, reach in APART)
    looks = Look.objects.filter(probe__in=probes, answered=True, at__gt=span.begin - longest, at__lte=span.end)
    for probe, at in looks.order_by("-at").values_list("probe_id", "at")[:MOST_LOOKS]:
        if probe is not None:
            vouching[probe].append((at, at + _reach(span.end - at)))
    for one in said:
        if one.since is not None:
            vouching[one.probe].append((one.since, one.since + FRESH))
    return {probe: vouched(intervals) for probe, intervals in vouching.items()}


def _reach(age: timedelta) -> timedelta:
    """How long a look vouches for what it saw: until the next one, as far as those that are kept stand apart."""
    return next((apart for older, apart in APART if age > older), FRESH)


def _strip(read: _Read, said: Sequence[_Said], runs: Sequence[Ran], span: Span, most: int) -> Strip:
    places: dict[tuple[int, str], list[_Said]] = defaultdict(list)
    for one in said:
        places[one.position, one.title].append(one)
    rows = [Row(title, _pieces(read, places[position, title], span)) for position, title in sorted(places)]
    kept, rest = rows, list[Row]()
    if len(rows) > most:
        rows.sort(key=lambda row: (-RANK[row.worst], -lasted(row.pieces, row.worst)))
        kept, rest = rows[:most], rows[most:]
    newest = sorted(runs, key=lambda ran: ran.began)[-MOST_RUNS:]
    others = Counter(row.worst for row in rest)
    return Strip(span, tuple(kept), dict(others), tuple(newest), len(runs) > len(newest), read.since)


def _pieces(read: _Read, said: Sequence[_Said], span: Span) -> tuple[Piece, ...]:
    parts: list[Stretch] = []
    for one in said:
        if one.since is not None and one.mark is not None:
            stretch = Stretch(one.point, seen_as(one.mark, slow=one.slow), one.since, one.until)
            parts += known_parts(stretch, read.known[one.probe])
    return pieces(parts, {one.point for one in said}, span)


def _runs(resources: Collection[uuid.UUID], span: Span) -> list[tuple[uuid.UUID, Ran]]:
    locks = ResourceLock.objects.filter(resource__in=resources, run__accepted_at__lt=span.end).filter(
        Q(run__ended_at__isnull=True) | Q(run__ended_at__gt=span.begin)
    )
    columns = ("run__reference", "run__accepted_at", "run__ended_at", "run__undo_of__reference")
    rows = locks.order_by("-run__accepted_at").values_list("resource_id", *columns)[:MOST_LOOKS]
    return [(resource, Ran(name, began, ended, undo or "")) for resource, name, began, ended, undo in rows]
