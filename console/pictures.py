"""Draws strips of reachability: where each line of the picture lies, what it says in a sentence, and its table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.words import SEEN, form_within, listed, many
from incidents.domain.strip import Bar, Piece, Seen, Span, at_most, bars, path
from incidents.selectors.home import Card
from incidents.selectors.strip import Ran, Row, Strip, read_each, read_together

# How many locations and equal steps there are in the small picture of a card, and in that of a page.
CARD_ROWS, CARD_STEPS = 4, 60
PAGE_ROWS, PAGE_STEPS = 12, 120
CARD_TIME = timedelta(hours=1)
# So many pieces of one location a table names; of more it tells the worst in so many equal steps.
TABLE_PIECES = 24
# Pixels: a row is a line of text and a bar below it; the letters of runs stand above all.
ROW, TEXT, BAR, LETTERS = 42, 14, 28, 18
# Letters nearer to each other than this, in percent of the width, share a place: on a phone they are 20 pixels apart.
NEAR = 7.0
LONGEST_TITLE = 36

SAYS = {seen: word.lower() for seen, (_, word, _) in SEEN.items()}


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One location: its name at `text_y`, and a path for each mark that occurs."""

    title: str
    text_y: int
    paths: tuple[tuple[Seen, str], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """What stands above the lines of runs; `x` in percent of the width."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """A run with its letter, and where its lines stand; None outside the span."""

    letter: str
    ran: Ran
    began: float | None
    ended: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """The pieces of one location, for its table; `merged` where there were too many to name."""

    title: str
    pieces: tuple[Piece, ...]
    merged: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the template prints. Across it counts steps or percent, down it counts pixels.

    Args:
        name: tells it from others on its page, for ids.
        label: the conclusion, for readers who cannot see it.
        step: how long one step is.
        others: what the locations saw that are not drawn; empty when all are.
        since: from when on everything could be read; None when nothing was left out.
    """

    name: str
    label: str
    span: Span
    middle: datetime
    steps: int
    height: int
    rows: tuple[DrawnRow, ...]
    top: int
    letters: tuple[Letter, ...]
    runs: tuple[DrawnRun, ...]
    more_runs: bool
    step: timedelta
    others: str
    table: tuple[Told, ...]
    since: datetime | None

    @property
    def legend(self) -> tuple[tuple[Seen, str], ...]:
        return tuple((seen, SAYS[seen]) for seen in (Seen.REACHABLE, Seen.SLOW, Seen.OUT, Seen.NO_DATA))


def draw(strip: Strip, what: str, *, name: str = "strip", small: bool = False) -> Picture:
    """The picture of a strip; `what` is the resource, or how many."""
    steps = CARD_STEPS if small else PAGE_STEPS
    top = LETTERS if strip.runs else 0
    runs = tuple(_run(strip.span, number, ran) for number, ran in enumerate(strip.runs))
    return Picture(
        name=name,
        label=conclusion(strip, what),
        span=strip.span,
        middle=strip.span.slot(1, 2),
        steps=steps,
        height=top + ROW * len(strip.rows),
        rows=tuple(
            _row(row, bars(row.pieces, strip.span, steps), top + ROW * number) for number, row in enumerate(strip.rows)
        ),
        top=top,
        letters=_letters(runs),
        runs=runs,
        more_runs=strip.more_runs,
        step=strip.span.length / steps,
        others=_others(strip),
        table=tuple(
            Told(row.title, at_most(row.pieces, strip.span, TABLE_PIECES), len(row.pieces) > TABLE_PIECES)
            for row in strip.rows
        ),
        since=strip.since,
    )


def draw_cards(cards: Sequence[Card], now: datetime) -> dict[uuid.UUID, Picture]:
    """The small pictures of the last hour, by the id of the resource. Three queries, however many; none for none."""
    strips = read_each([card.id for card in cards], Span.of(now - CARD_TIME, now), CARD_ROWS)
    return {
        card.id: draw(strips[card.id], card.name, name=f"strip-{card.id}", small=True)
        for card in cards
        if card.id in strips
    }


def draw_together(resources: Collection[uuid.UUID], what: str, begin: datetime, end: datetime) -> Picture | None:
    """The picture of a page about these resources; None where nothing looks at them. Three queries."""
    strip = read_together(resources, Span.of(begin, end), PAGE_ROWS)
    return draw(strip, what) if strip else None


def _row(row: Row, drawn: tuple[Bar, ...], top: int) -> DrawnRow:
    title = row.title if len(row.title) <= LONGEST_TITLE else f"{row.title[: LONGEST_TITLE - 1]}…"
    paths = ((seen, path(drawn, seen, top + BAR)) for seen in Seen)
    return DrawnRow(title, top + TEXT, tuple((seen, d) for seen, d in paths if d))


def _run(shown: Span, number: int, ran: Ran) -> DrawnRun:
    inside = [
        shown.percent(moment) if moment is not None and shown.begin <= moment <= shown.end else None
        for moment in (ran.began, ran.ended)
    ]
    return DrawnRun(chr(ord("A") + number), ran, *inside)


def _letters(runs: tuple[DrawnRun, ...]) -> tuple[Letter, ...]:
    found: list[Letter] = []
    for run in runs:
        x = next((x for x in (run.began, run.ended) if x is not None), 0.0)
        x = min(max(x, 2.0), 98.0)
        if found and x - found[-1].x < NEAR:
            found[-1] = Letter(found[-1].x, f"{found[-1].text[0]}–{run.letter}")
        else:
            found.append(Letter(x, run.letter))
    return tuple(found)


def _others(strip: Strip) -> str:
    if not strip.others:
        return ""
    count = sum(strip.others.values())
    if set(strip.others) == {Seen.REACHABLE}:
        return f"and {count} more, all reachable"
    told = [
        f"{strip.others[seen]} {SAYS[seen]}{' all the time' if seen is Seen.REACHABLE else ' for some time'}"
        for seen in reversed(Seen)
        if strip.others.get(seen)
    ]
    return f"and {count} more: {listed(told)}"


def conclusion(strip: Strip, what: str) -> str:
    """The strip in one sentence, such as `203.0.113.0/24 was not reachable from 2 of 3 locations from 14:02 to 14:31
    UTC; reachable from all since RUN-7F3K-92 ended.`"""
    shown, at = strip.span, _clock(strip.span)
    for seen in (Seen.OUT, Seen.SLOW):
        bad = [piece for row in strip.rows for piece in row.pieces if piece.seen is seen]
        if bad:
            return f"{what} {_trouble(strip, seen, bad)}"
    whole = f"from {at(shown.begin)} to {at(shown.end)} UTC"
    gaps = sum(any(piece.seen is Seen.NO_DATA for piece in row.pieces) for row in strip.rows)
    gaps += strip.others.get(Seen.NO_DATA, 0)
    if all(piece.seen is Seen.NO_DATA for row in strip.rows for piece in row.pieces):
        return f"No data about {what} {whole}."
    missing = f"; no data for some of that time from {gaps} of {many(strip.locations, 'location')}" if gaps else ""
    return f"{what} was reachable from {_all(strip.locations)} {whole}{missing}."


def _trouble(strip: Strip, seen: Seen, bad: list[Piece]) -> str:
    shown, at = strip.span, _clock(strip.span)
    hit = sum(any(piece.seen is seen for piece in row.pieces) for row in strip.rows) + strip.others.get(seen, 0)
    begin, end = min(piece.begin for piece in bad), max(piece.end for piece in bad)
    times = max(sum(piece.seen is seen for piece in row.pieces) for row in strip.rows)
    often = "at times " if times > 1 else ""
    where = f"{SAYS[seen]} from {hit} of {many(strip.locations, 'location')}"
    if end >= shown.end:
        since = f"since {at(begin)} UTC" if begin > shown.begin else f"since before {at(begin)} UTC"
        return f"is {where}, {often}{since}."
    between = f"{'between' if often else 'from'} {at(begin)} {'and' if often else 'to'} {at(end)} UTC"
    return f"was {where} {often}{between}{_since_then(strip, end)}."


def _since_then(strip: Strip, end: datetime) -> str:
    """How it is since the trouble ended; empty where nobody can say that it is well."""
    if any(piece.seen is not Seen.REACHABLE for row in strip.rows for piece in row.pieces if piece.end > end):
        now = [row.pieces[-1].seen for row in strip.rows]
        gone = now.count(Seen.NO_DATA)
        return f"; no data now from {gone} of {many(strip.locations, 'location')}" if gone else ""
    for ran in reversed(strip.runs):
        if ran.began <= end and ran.ended is not None and end <= ran.ended <= strip.span.end:
            return f"; reachable from {_all(strip.locations)} since {ran.reference} ended"
    return f"; reachable from {_all(strip.locations)} since then"


def _all(count: int) -> str:
    return "its only location" if count == 1 else f"all {count} locations"


def _clock(shown: Span) -> Callable[[datetime], str]:
    """Writes a moment of this span."""
    return lambda moment: moment.strftime(form_within(shown.length, moment, shown.end))
