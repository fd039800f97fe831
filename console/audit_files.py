"""A search of the audit log as a file: read a batch at a time while it is sent, and harmless to a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from io import StringIO

from console.audit_words import OUTCOMES, happened, who
from incidents.domain.canonical import JsonObject, encode
from incidents.selectors.audit import Line, Scope, Search, search

BATCH = 1_000
# One file holds no more; its last line says so, and where the next one goes on.
MOST = 100_000
COLUMNS = ("entry", "time", "event", "what happened", "who", "organization", "outcome", "run", "facts", "leaf hash")
# What a spreadsheet takes for a formula, with the full-width forms of the same signs.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


def as_csv(scope: Scope, asked: Search, before: int | None) -> Iterator[str]:
    """A line an entry, the newest first, under a line of names."""
    yield _csv(COLUMNS)
    last = before
    for line in _lines(scope, asked, before):
        last = line.index
        told = (line.event, happened(line), who(line.actor), line.organization, OUTCOMES[line.outcome][1], line.run)
        yield _csv((str(line.index), line.at.isoformat(), *told, encode(line.data).decode(), line.leaf))
    if more := _more(scope, asked, last):
        yield _csv(("more", more))


def as_json_lines(scope: Scope, asked: Search, before: int | None) -> Iterator[str]:
    """An object a line, the newest first: `index`, `leaf` in hexadecimal, and `body`, the text that was hashed."""
    last = before
    for line in _lines(scope, asked, before):
        last = line.index
        yield _json({"index": line.index, "leaf": line.leaf, "body": line.body.decode()})
    if more := _more(scope, asked, last):
        yield _json({"more": more})


WRITERS: dict[str, Callable[[Scope, Search, int | None], Iterator[str]]] = {"csv": as_csv, "jsonl": as_json_lines}


def harmless(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def _lines(scope: Scope, asked: Search, before: int | None) -> Iterator[Line]:
    left = MOST
    while left:
        found = search(scope, asked, before=before, most=min(BATCH, left))
        yield from found.lines
        left -= len(found.lines)
        if found.before is None:
            return
        before = found.before


def _more(scope: Scope, asked: Search, last: int | None) -> str:
    """The query by which the next file goes on; empty where there is nothing older."""
    if last is None or not search(scope, asked, before=last, most=1).lines:
        return ""
    return asked.link(before=last)


def _csv(cells: tuple[str, ...]) -> str:
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(harmless, cells))
    return text.getvalue()


def _json(value: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
