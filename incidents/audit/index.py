"""The search index over the audit log: by which terms (`domain.audit_terms`) which entry is found.

A table beside the log, filled in the same transaction, and of no weight as a proof: it can be thrown away and made
anew from the entries (`fill`). On PostgreSQL it is a GIN index over an array of numbers; on SQLite an FTS5 table
without contents, in which each number is one token. Neither ever sees a text that somebody has typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from incidents.domain.audit_terms import terms_of
from incidents.domain.canonical import JsonObject, decode

TABLE = "incidents_auditsearch"
LOG = "incidents_auditentry"
BATCH = 2_000
# PostgreSQL looks at so many entries next to where the page begins before it asks the index for all that there are:
# what is frequent is found at once, and what is not there is rare enough to be sorted.
NEAR = 20_000
# Greater than any index; SQLite and PostgreSQL hold 63 bits.
END = 2**62

SQLITE = (
    f"CREATE VIRTUAL TABLE {TABLE} USING fts5(terms, content='', columnsize=0, detail=none, tokenize='ascii')",
)  # fmt: skip
POSTGRESQL = (
    f"CREATE TABLE {TABLE} (entry bigint PRIMARY KEY, terms bigint[] NOT NULL)",
    f"CREATE INDEX {TABLE}_terms ON {TABLE} USING gin (terms)",
)

# Each group is an "or"; all groups together are an "and".
Terms: TypeAlias = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Which stretch of the log is asked for: from index `low` up to, and without, `high`."""

    low: int = 0
    high: int = END


def make(connection: BaseDatabaseWrapper) -> None:
    """Makes the table, empty."""
    with connection.cursor() as cursor:
        for statement in SQLITE if connection.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)


def drop(connection: BaseDatabaseWrapper) -> None:
    """Takes the table away."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def empty(connection: BaseDatabaseWrapper) -> None:
    """Forgets every entry."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"INSERT INTO {TABLE} ({TABLE}) VALUES ('delete-all')")  # noqa: S608  # a name of ours
        else:
            cursor.execute(f"TRUNCATE {TABLE}")


def note(connection: BaseDatabaseWrapper, entries: Sequence[tuple[int, bytes]]) -> None:
    """Makes entries findable: (index, canonical body) each. One statement, in the caller's transaction."""
    rows = [(index, terms_of(_body(body))) for index, body in entries]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            told = [(index, " ".join(map(_token, terms))) for index, terms in rows]
            cursor.executemany(f"INSERT INTO {TABLE} (rowid, terms) VALUES (%s, %s)", told)  # noqa: S608
        else:
            # What stands there of a log that was emptied must never keep an entry from being written.
            statement = (
                f"INSERT INTO {TABLE} VALUES (%s, %s::bigint[])"  # noqa: S608
                " ON CONFLICT (entry) DO UPDATE SET terms = EXCLUDED.terms"
            )
            cursor.executemany(statement, rows)


def fill(connection: BaseDatabaseWrapper) -> int:
    """Makes every entry of the log findable that is there now, a batch a statement; gives how many."""
    done, last = 0, -1
    while batch := _bodies(connection, last):
        note(connection, batch)
        done, last = done + len(batch), batch[-1][0]
    return done


def find(connection: BaseDatabaseWrapper, terms: Terms, reach: Reach, most: int, *, oldest_first: bool) -> list[int]:
    """The indices of at most so many entries that have a term of each group, the newest (or the oldest) first."""
    if any(not group for group in terms) or reach.low >= reach.high:
        return []
    if not terms:
        return _walk(connection, reach, most, oldest_first=oldest_first)
    if connection.vendor == "sqlite":
        return _by_fts5(connection, terms, reach, most, oldest_first=oldest_first)
    return _by_gin(connection, terms, reach, most, oldest_first=oldest_first)


def _walk(connection: BaseDatabaseWrapper, reach: Reach, most: int, *, oldest_first: bool) -> list[int]:
    """Everything, along the primary key of the log itself."""
    where = f'SELECT "index" FROM {LOG} WHERE "index" >= %s AND "index" < %s'  # noqa: S608  # names of ours
    return _asked(connection, f'{where} ORDER BY "index" {_way(oldest_first)} LIMIT %s', [*_ends(reach), most])


def _by_fts5(
    connection: BaseDatabaseWrapper, terms: Terms, reach: Reach, most: int, *, oldest_first: bool
) -> list[int]:
    """FTS5 walks the lists of the terms side by side in the order of the rowid, so it stops with the page."""
    match = " AND ".join(f"({' OR '.join(map(_token, group))})" for group in terms)
    statement = (
        f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s AND rowid >= %s AND rowid < %s"  # noqa: S608  # names of ours
        f" ORDER BY rowid {_way(oldest_first)} LIMIT %s"
    )
    return _asked(connection, statement, [match, *_ends(reach), most])


def _by_gin(connection: BaseDatabaseWrapper, terms: Terms, reach: Reach, most: int, *, oldest_first: bool) -> list[int]:
    near, far = _split(reach, _last(connection), oldest_first=oldest_first)
    lists = [list(group) for group in terms]
    having = " AND ".join("terms @> %s::bigint[]" if len(group) == 1 else "terms && %s::bigint[]" for group in terms)
    rows = f"SELECT entry FROM {TABLE} WHERE entry >= %s AND entry < %s AND {having}"  # noqa: S608  # names of ours
    order = f"ORDER BY entry {_way(oldest_first)} LIMIT %s"
    found = _asked(connection, f"{rows} {order}", [*_ends(near), *lists, most])
    if len(found) == most or far.low >= far.high:
        return found
    # By the index and never along the key, for what is far may be rare.
    statement = f"WITH hits AS MATERIALIZED ({rows}) SELECT entry FROM hits {order}"  # noqa: S608
    return found + _asked(connection, statement, [*_ends(far), *lists, most - len(found)])


def _split(reach: Reach, last: int, *, oldest_first: bool) -> tuple[Reach, Reach]:
    """The stretch that is looked at first, and the rest of it."""
    high = min(reach.high, last + 1)
    if oldest_first:
        middle = min(high, reach.low + NEAR)
        return Reach(reach.low, middle), Reach(middle, high)
    middle = max(reach.low, high - NEAR)
    return Reach(middle, high), Reach(reach.low, middle)


def _last(connection: BaseDatabaseWrapper) -> int:
    found = _asked(connection, f'SELECT "index" FROM {LOG} ORDER BY "index" DESC LIMIT 1', [])  # noqa: S608
    return found[0] if found else -1


def _asked(connection: BaseDatabaseWrapper, statement: str, values: Sequence[int | str | list[int]]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _bodies(connection: BaseDatabaseWrapper, last: int) -> list[tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "index", body FROM {LOG} WHERE "index" > %s ORDER BY "index" LIMIT %s',  # noqa: S608
            [last, BATCH],
        )
        return [(index, bytes(body)) for index, body in cursor.fetchall()]


def _body(body: bytes) -> JsonObject:
    value = decode(body)
    if not isinstance(value, dict):
        raise ValueError("an entry of the audit log is an object")
    return value


def _ends(reach: Reach) -> Iterator[int]:
    yield from (reach.low, reach.high)


def _way(oldest_first: bool) -> str:
    return "ASC" if oldest_first else "DESC"


def _token(term: int) -> str:
    """A letter and 16 hexadecimal digits: one token to any tokenizer, and no word of its query language."""
    return f"x{term & 0xFFFF_FFFF_FFFF_FFFF:016x}"
