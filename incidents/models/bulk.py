"""Inserts many rows by one prepared statement.

`bulk_create` makes an object and a piece of SQL text for every row; with the thousands of rows of one run that is
most of its time (docs/performance.md). This asks each field for its database form and leaves the rest to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def insert(model: type[Model], rows: Iterable[Sequence[object]], *columns: str, **same: object) -> None:
    """Writes the rows; nothing at all for no rows.

    Args:
        rows: the values of `columns`, in their order.
        columns: names of fields (a foreign key by its `_id` name).
        same: fields that have the same value in every row.
    Fields that are neither named nor nullable take their Python default, as in `bulk_create`.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.generated}
    fixed = {**_defaults(fields, {*columns, *same}), **same}
    chosen = [fields[name] for name in (*columns, *fixed)]
    tail = tuple(fields[name].get_db_prep_save(value, connection) for name, value in fixed.items())
    converters = [fields[name].get_db_prep_save for name in columns]
    values = [
        (*(convert(value, connection) for convert, value in zip(converters, row, strict=True)), *tail) for row in rows
    ]
    if not values:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in chosen)
    marks = ", ".join(["%s"] * len(chosen))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({marks})", values)  # noqa: S608  # names of ours


def _defaults(fields: Mapping[str, Field[Any, Any]], given: set[str]) -> dict[str, object]:
    """What the fields hold that nobody named, but for the automatic key."""
    return {name: field.get_default() for name, field in fields.items() if name not in given and not field.primary_key}
