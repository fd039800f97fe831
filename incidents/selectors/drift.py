"""Every location beside what should be there: its newest known-good state."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from incidents.domain.changes import State, is_unreadable, why_unreadable
from incidents.domain.drift import Verdict, judge
from incidents.domain.known_good import is_damaged
from incidents.engine import hand_backs, known_good, looking
from incidents.engine.freshness import fresh_backends
from incidents.selectors.chosen import Chosen

COLUMNS = (
    "pk",
    "resource_id",
    "resource__organization__slug",
    "resource__kind",
    "resource__name",
    "location__slug",
    "location__title",
    "aspect",
    "backend_id",
    "backend__slug",
    "key",
    "seen__state",
    "good__state",
    "good__digest",
    "good__proven_until",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a resource at one location.

    Args:
        location, title: slug, and the name that people read.
        now: None when nobody could see it.
        silence: why nobody could, for people.
        good: what should be; None when nothing was ever proven good.
        proven_until: when it was last proven.
        damaged: whether what was kept last of it is damaged, so that `good` is older, or missing.
    """

    resource: uuid.UUID
    organization: str
    kind: str
    name: str
    location: str
    title: str
    aspect: str
    verdict: Verdict
    now: State | None
    silence: str
    good: State | None
    proven_until: datetime | None
    damaged: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that was compared, in the order of organizations, resources and locations."""

    lines: Sequence[Line]

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many of each, none left out."""
        found = Counter(line.verdict for line in self.lines)
        return {verdict: found[verdict] for verdict in Verdict}

    @property
    def others(self) -> Sequence[Line]:
        """Those that are not as they should be, or of which nobody knows."""
        return [line for line in self.lines if line.verdict is not Verdict.AS_GOOD]


class _Row(NamedTuple):
    pk: int
    resource: uuid.UUID
    organization: str
    kind: str
    name: str
    location: str
    title: str
    aspect: str
    backend: int
    backend_slug: str
    key: str
    seen: State | None
    good: State | None
    digest: str | None
    proven_until: datetime | None


def look_for_drift(chosen: Chosen) -> Drift:
    """Looks at every one of these bindings now: one call a backend, all at the same time, each within its budget.

    Writes nothing down. Four queries at most, beside those of making the adapters.
    """
    rows = _rows(chosen)
    sighted = looking.look((row.pk, row.backend_slug, row.key) for row in rows)
    return _compare(rows, sighted.states, sighted.silent)


def read_drift(chosen: Chosen, now: datetime) -> Drift:
    """The same from what was seen last, where its backend has answered lately. Six queries at most.

    One more for each backend that is asked seldom and has not answered lately; see `freshness`.
    """
    rows = _rows(chosen)
    fresh = fresh_backends(now)
    seen = {row.pk: row.seen for row in rows if row.backend in fresh and row.seen is not None}
    old = {row.backend_slug: "no recent answer" for row in rows if row.backend not in fresh}
    return _compare(rows, seen, old)


def _rows(chosen: Chosen) -> list[_Row]:
    return [_Row(*values) for values in chosen.bindings().values_list(*COLUMNS)]


def _compare(rows: Sequence[_Row], seen: Mapping[int, State], silent: Mapping[str, str]) -> Drift:
    away = hand_backs.states_away()
    older = known_good.instead_of([row.pk for row in rows if is_damaged(row.good, row.digest)])
    lines = []
    for row in rows:
        now, good, proven_until = seen.get(row.pk), row.good, row.proven_until
        silence = silent.get(row.backend_slug, "not seen yet")
        if now is not None and is_unreadable(now):
            silence, now = why_unreadable(now), None
        if row.pk in older:
            instead = older[row.pk]
            good, proven_until = (instead.state, instead.proven_until) if instead else (None, None)
        lines.append(
            Line(
                resource=row.resource,
                organization=row.organization,
                kind=row.kind,
                name=row.name,
                location=row.location,
                title=row.title,
                aspect=row.aspect,
                verdict=judge(now, good, away.get(str(row.pk), ())),
                now=now,
                silence="" if now is not None else silence,
                good=good,
                proven_until=proven_until,
                damaged=row.pk in older,
            )
        )
    return Drift(lines)
