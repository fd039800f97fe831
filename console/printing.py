"""What commands print: names and states of others, safe for a terminal, in columns."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from console import words
from incidents.domain.canonical import Json
from incidents.domain.changes import State, settings_of
from incidents.domain.drift import Difference

# What tells one state from another mostly stands at the beginning; JSON has the whole.
WIDEST = 90


def plain(text: str) -> str:
    """The text without what would move a cursor, colour a terminal or turn the direction of a line."""
    return "".join("�" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One line a row, each column as wide as its widest cell."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def in_words(aspect: str, state: State) -> str:
    """What it is in a few words; its settings, where there are none for this aspect."""
    return _cut(words.describe(aspect, state) if aspect in words.ASPECTS else _compact(settings_of(state)))


def both(aspect: str, now: State, good: State, differences: Sequence[Difference]) -> tuple[str, str]:
    """Two states that differ, in words that differ: the settings themselves where the words are the same."""
    one, other = in_words(aspect, now), in_words(aspect, good)
    if aspect in words.ASPECTS and one != other:
        return one, other
    return (
        _cut(", ".join(_setting(difference.field, difference.now) for difference in differences)),
        _cut(", ".join(_setting(difference.field, difference.good) for difference in differences)),
    )


def _setting(field: str, value: Json) -> str:
    return f"{field} not set" if value is None else f"{field} {_compact(value)}"


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
