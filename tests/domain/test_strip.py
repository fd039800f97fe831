"""The strip: whatever the clocks have written, its pieces cover the span exactly and never overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.strip import (
    LONGEST,
    RANK,
    Piece,
    Seen,
    Span,
    Stretch,
    at_most,
    bars,
    known_parts,
    lasted,
    path,
    pieces,
    seen_as,
    vouched,
)

T0 = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


moments = st.integers(-4_000_000, 4_000_000).map(lambda ms: at(ms / 1000))
spans = st.builds(Span.of, moments, moments)
stretches = st.lists(
    st.builds(Stretch, st.integers(1, 3), st.sampled_from(list(Seen)), moments, st.none() | moments), max_size=40
)


@given(stretches, spans)
def test_pieces_cover_the_span_exactly(said: list[Stretch], span: Span) -> None:
    row = pieces(said, {1, 2, 3}, span)
    assert (row[0].begin, row[-1].end) == (span.begin, span.end)
    assert all(piece.begin < piece.end for piece in row)
    assert all(a.end == b.begin and a.seen is not b.seen for a, b in pairwise(row))
    assert sum((lasted(row, seen) for seen in Seen), timedelta()) == span.length


@given(stretches, spans, moments)
def test_a_piece_says_the_worst_of_its_moment(said: list[Stretch], span: Span, when: datetime) -> None:
    when = min(span.clip(when), span.end - timedelta(microseconds=1))
    row = pieces(said, {1, 2, 3}, span)
    now = [one for one in said if one.since <= when and (one.until is None or when < one.until)]
    expected = [one.seen for one in now] + [Seen.NO_DATA] * bool({1, 2, 3} - {one.point for one in now})
    [piece] = [piece for piece in row if piece.begin <= when < piece.end]
    assert piece.seen is max(expected, key=RANK.__getitem__)


@given(stretches, spans, st.integers(1, 120))
def test_the_drawing_is_bounded_whole_and_never_better_than_what_was_seen(
    said: list[Stretch], span: Span, slots: int
) -> None:
    row = pieces(said, {1, 2, 3}, span)
    drawn = bars(row, span, slots)
    assert [bar.start for bar in drawn] == [sum(bar.length for bar in drawn[:n]) for n in range(len(drawn))]
    assert sum(bar.length for bar in drawn) == slots
    assert all(bar.length > 0 for bar in drawn)
    for piece in row:
        touched = [
            bar
            for bar in drawn
            if span.slot(bar.start, slots) < piece.end and span.slot(bar.start + bar.length, slots) > piece.begin
        ]
        assert touched
        assert all(RANK[bar.seen] >= RANK[piece.seen] for bar in touched)
    few = at_most(row, span, slots)
    assert len(few) <= slots
    assert (few[0].begin, few[-1].end) == (span.begin, span.end)
    assert all(a.end == b.begin for a, b in pairwise(few))


@given(spans, moments)
def test_no_moment_lies_outside_the_picture(span: Span, when: datetime) -> None:
    assert timedelta(seconds=1) <= span.length <= LONGEST
    assert 0 <= span.percent(when) <= 100


@given(
    st.builds(Stretch, st.just(1), st.just(Seen.REACHABLE), moments, st.none() | moments),
    st.lists(st.tuples(moments, moments), max_size=20),
)
def test_nobody_is_believed_where_nobody_looked(stretch: Stretch, looks: list[tuple[datetime, datetime]]) -> None:
    known = vouched([(min(pair), max(pair)) for pair in looks])
    assert all(a[1] < b[0] for a, b in pairwise(known))
    parts = known_parts(stretch, known)
    for part in parts:
        assert part.until is not None
        assert part.since < part.until
        assert part.since >= stretch.since
        assert stretch.until is None or part.until <= stretch.until
        assert any(begin <= part.since and part.until <= end for begin, end in known)
    inside = sum(
        (max(timedelta(), min(end, stretch.until or end) - max(begin, stretch.since)) for begin, end in known),
        timedelta(),
    )
    assert sum(((part.until or part.since) - part.since for part in parts), timedelta()) == inside


def test_thirty_days_of_flaps_end_in_as_many_bars_as_there_are_steps() -> None:
    span = Span.of(T0 - timedelta(days=90), T0)
    said = [
        Stretch(1, Seen.OUT if n % 2 else Seen.REACHABLE, T0 - timedelta(minutes=n + 1), T0 - timedelta(minutes=n))
        for n in range(43_200)
    ]
    row = pieces(said, {1}, span)
    assert span.length == LONGEST
    assert len(row) == 43_200
    assert bars(row, span, 120) == bars((Piece(span.begin, span.end, Seen.OUT),), span, 120)


@pytest.mark.parametrize(
    ("mark", "slow", "seen"),
    [
        ("pass", False, Seen.REACHABLE),
        ("pass", True, Seen.SLOW),
        ("fail", True, Seen.OUT),
        ("inconclusive", False, Seen.NO_DATA),
        ("error", False, Seen.NO_DATA),
    ],
)
def test_marks_as_people_read_them(mark: str, slow: bool, seen: Seen) -> None:
    assert seen_as(mark, slow=slow) is seen


def test_a_short_outage_is_a_whole_step_of_the_path() -> None:
    span = Span.of(T0, at(3600))
    row = pieces([Stretch(1, Seen.REACHABLE, T0, at(60)), Stretch(1, Seen.OUT, at(60), at(60.2)),
                  Stretch(1, Seen.REACHABLE, at(60.2), None)], {1}, span)  # fmt: skip
    drawn = bars(row, span, 60)
    assert path(drawn, Seen.OUT, 28) == "M1 28h1"
    assert path(drawn, Seen.REACHABLE, 28) == "M0 28h1M2 28h58"
    assert path(drawn, Seen.SLOW, 28) == ""
