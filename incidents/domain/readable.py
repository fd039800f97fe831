"""A state as lines that people read, and the difference of two states line by line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from incidents.domain.changes import State, settings_of, status_of
from incidents.domain.keysets import keys_in

# More than this nobody reads in an outage; the rest is counted.
MOST_LINES = 200
LONGEST_LINE = 300
# Lines of what stays the same that are shown round each difference.
AROUND = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference. `sign` is `+` (comes), `-` (goes), ` ` (stays), or `…` where lines are left out."""

    sign: str
    text: str


# Sides that are shown line by line.
DOCUMENTS = frozenset({"document", "rrset", "keyset"})


def lines_of(state: State, aspect: str = "") -> list[str]:
    """What a state says: its document, or what its backend made readable of it, or else its fields.

    Of a set of keys its keys are told, one a line, and not their bits.
    """
    if "unread" in state:
        return [str(status_of(state).get("problem") or "What is there cannot be shown here.")]
    document = state.get("document")
    if isinstance(document, str):
        return _keys(document) if aspect == "keyset" else document.splitlines()
    text = status_of(state).get("text")
    if isinstance(text, str):
        return text.splitlines()
    return json.dumps(settings_of(state), indent=2, sort_keys=True, ensure_ascii=False).splitlines()


def difference(before: State, after: State, aspect: str = "") -> tuple[Line, ...]:
    """What goes and what comes, with a little of what stays; at most `MOST_LINES`, and a last line that says so."""
    found = list(_lines(lines_of(before, aspect), lines_of(after, aspect)))
    if len(found) <= MOST_LINES:
        return tuple(found)
    rest = len(found) - MOST_LINES
    return (*found[:MOST_LINES], Line("…", f"{rest} more lines are different or near to it"))


def _keys(document: str) -> list[str]:
    try:
        return [f"{note.kind} {note.id}" for note in keys_in(document)]
    except ValueError as why:
        return [f"This is no set of keys: {why}"]


def _lines(before: list[str], after: list[str]) -> Iterator[Line]:
    # The two lines of header, which name files.
    body = list(difflib.unified_diff(before, after, n=AROUND, lineterm=""))[2:]
    for position, line in enumerate(body):
        if line.startswith("@@"):
            if position:
                yield Line("…", "")
            continue
        yield Line(line[0], _plain(line[1:]))


def _plain(text: str) -> str:
    """Cut to a length, without what would play tricks on a page or a terminal."""
    shown = "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text)
    return shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…"
