"""The strip of reachability: what was seen through one location over time, in pieces and in steps of a picture.

Everything here counts in moments of one span. Times outside it are clipped, so a clock that was set back, a stretch
without an end or one that begins in the future cannot lead out of the picture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from incidents.domain.verdicts import Mark

# From here on an answer counts as slow: up to a second a thought stays unbroken (Nielsen, Usability Engineering, 5.5).
SLOW_MILLISECONDS = 1000
SHORTEST = timedelta(seconds=1)
# Longer than this a strip shows the end of the time only.
LONGEST = timedelta(days=30)


class Seen(StrEnum):
    """What people read: the four marks of a strip."""

    REACHABLE = "reachable"
    NO_DATA = "nodata"
    SLOW = "slow"
    OUT = "out"


# The worst last. What nobody saw is never as good as what somebody saw working.
RANK = {seen: rank for rank, seen in enumerate(Seen)}


def seen_as(mark: str, *, slow: bool) -> Seen:
    """A mark of a measurement as people read it; what proves nothing is no data."""
    if mark == Mark.PASS:
        return Seen.SLOW if slow else Seen.REACHABLE
    return Seen.OUT if mark == Mark.FAIL else Seen.NO_DATA


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a strip shows: at least a second, at most `LONGEST`, of which the newest is kept."""

    begin: datetime
    end: datetime

    @staticmethod
    def of(begin: datetime, end: datetime) -> Span:
        """From these two moments in any order that a wrong clock may give them."""
        end = max(end, begin + SHORTEST)
        return Span(max(begin, end - LONGEST), end)

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    def clip(self, moment: datetime) -> datetime:
        return min(max(moment, self.begin), self.end)

    def slot(self, number: int, slots: int) -> datetime:
        """When the given one of so many equal steps begins."""
        return self.begin + self.length * number / slots

    def percent(self, moment: datetime) -> float:
        """Where a moment lies, from 0 to 100, with two decimals."""
        return round(100 * ((self.clip(moment) - self.begin) / self.length), 2)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one point said the same; `until` is None while it still says so."""

    point: int
    seen: Seen
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a row, not empty."""

    begin: datetime
    end: datetime
    seen: Seen


Interval: TypeAlias = tuple[datetime, datetime]


def vouched(looks: Sequence[Interval]) -> list[Interval]:
    """Joins what each look vouches for, from when to when, in any order, to intervals that lie apart, in order."""
    joined: list[Interval] = []
    for begin, end in sorted(looks):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def known_parts(stretch: Stretch, known: Sequence[Interval]) -> list[Stretch]:
    """The parts of a stretch in which somebody looked: between two looks that are too far apart nobody knows."""
    end = stretch.until
    parts: list[Stretch] = []
    first = max(0, bisect_right(known, stretch.since, key=lambda one: one[0]) - 1)
    for begin, until in known[first:]:
        if end is not None and begin >= end:
            break
        since, last = max(begin, stretch.since), until if end is None else min(until, end)
        if since < last:
            parts.append(Stretch(stretch.point, stretch.seen, since, last))
    return parts


def pieces(stretches: Sequence[Stretch], points: Collection[int], span: Span) -> tuple[Piece, ...]:
    """What was seen through one location: the worst that any of its points says, and no data where one says nothing.

    The pieces lie end to end, cover the span exactly, and no two neighbours say the same.
    """
    turns: list[tuple[datetime, int, int, Seen]] = []
    for stretch in stretches:
        begin, end = span.clip(stretch.since), span.clip(stretch.until or span.end)
        if begin < end:
            turns += [(begin, 1, stretch.point, stretch.seen), (end, -1, stretch.point, stretch.seen)]
    turns.sort()
    said: Counter[Seen] = Counter()
    speaking: Counter[int] = Counter()
    silent = len(set(points))
    found: list[Piece] = []
    at = span.begin
    for moment, step, point, seen in turns:
        if moment > at:
            _add(found, Piece(at, moment, _worst(said, silent)))
            at = moment
        was = speaking[point]
        speaking[point] += step
        said[seen] += step
        silent += (was > 0) - (speaking[point] > 0)
    if at < span.end:
        _add(found, Piece(at, span.end, _worst(said, silent)))
    return tuple(found)


def _worst(said: Counter[Seen], silent: int) -> Seen:
    now = {seen for seen, count in said.items() if count > 0}
    if silent > 0 or not now:
        now.add(Seen.NO_DATA)
    return max(now, key=RANK.__getitem__)


def _add(found: list[Piece], piece: Piece) -> None:
    if found and found[-1].seen is piece.seen:
        piece = Piece(found.pop().begin, piece.end, piece.seen)
    found.append(piece)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a row as it is drawn: whole steps, of which the strip has a fixed number."""

    start: int
    length: int
    seen: Seen


def bars(row: Sequence[Piece], span: Span, slots: int) -> tuple[Bar, ...]:
    """The row in so many equal steps, each with the worst that was seen in it; equal neighbours are one bar."""
    worst: list[Seen] = []
    first = 0
    for number in range(slots):
        begin, end = span.slot(number, slots), span.slot(number + 1, slots)
        while first + 1 < len(row) and row[first].end <= begin:
            first += 1
        seen, index = row[first].seen, first
        while index + 1 < len(row) and row[index + 1].begin < end:
            index += 1
            seen = max(seen, row[index].seen, key=RANK.__getitem__)
        worst.append(seen)
    found: list[Bar] = []
    for number, seen in enumerate(worst):
        if found and found[-1].seen is seen:
            found[-1] = Bar(found[-1].start, found[-1].length + 1, seen)
        else:
            found.append(Bar(number, 1, seen))
    return tuple(found)


def at_most(row: Sequence[Piece], span: Span, most: int) -> tuple[Piece, ...]:
    """The row itself, or where it has more than `most` pieces, the row in so many equal steps."""
    if len(row) <= most:
        return tuple(row)
    return tuple(
        Piece(span.slot(bar.start, most), span.slot(bar.start + bar.length, most), bar.seen)
        for bar in bars(row, span, most)
    )


def path(row: Sequence[Bar], seen: Seen, y: int) -> str:
    """The bars of one mark as lines of an SVG path at that height; empty when there are none."""
    return "".join(f"M{bar.start} {y}h{bar.length}" for bar in row if bar.seen is seen)


def worst_of(row: Sequence[Piece]) -> Seen:
    return max((piece.seen for piece in row), key=RANK.__getitem__)


def lasted(row: Sequence[Piece], seen: Seen) -> timedelta:
    """How long a row said so, in all."""
    return sum((piece.end - piece.begin for piece in row if piece.seen is seen), timedelta())
