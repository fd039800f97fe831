"""Appending: canonical bytes, indices without holes, one transaction with the change, text that cannot mislead."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from incidents.audit.log import ENGINE, LARGEST_ENTRY, Entry, append
from incidents.audit.verify import verify
from incidents.domain.canonical import decode, encode
from incidents.domain.merkle import Frontier, leaf_hash
from incidents.models import AuditEntry, AuditHead


def entry(**data: object) -> Entry:
    return Entry("test.happened", ENGINE, "example-shop", data=data)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_what_is_stored_is_canonical_and_gives_the_leaf() -> None:
    with transaction.atomic():
        append(entry(number=1), entry(text="ß"))
    rows = list(AuditEntry.objects.order_by("index"))
    assert [row.index for row in rows] == [0, 1]
    for row in rows:
        assert encode(decode(bytes(row.body))) == bytes(row.body)
        assert leaf_hash(bytes(row.body)) == bytes(row.leaf)
    head = AuditHead.objects.get()
    root = Frontier().append(bytes(row.leaf) for row in rows).root().hex()
    assert (head.size, verify().root) == (2, root)


def test_outside_a_transaction_it_refuses(committed: None) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        append(entry())


def test_a_change_that_is_rolled_back_leaves_neither_entry_nor_hole(committed: None) -> None:
    with transaction.atomic():
        append(entry(number=1))
    with transaction.atomic():
        append(entry(number=2))
        transaction.set_rollback(True)
    with transaction.atomic():
        append(entry(number=3))
    assert list(AuditEntry.objects.values_list("index", flat=True)) == [0, 1]
    assert verify().fault == ""


def test_many_writers_at_once_leave_no_hole(committed: None) -> None:
    def write() -> None:
        for number in range(10):
            with transaction.atomic():
                append(entry(number=number))
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify()
    assert (found.good, found.fault) == (40, "")


@pytest.mark.django_db
def test_typed_text_cannot_split_a_line_or_turn_it_round() -> None:
    with transaction.atomic():
        append(entry(reason="first\nrun.succeeded\x1b[31m \u202edesrever"))
    body = bytes(AuditEntry.objects.get().body).decode()
    assert "\\\\u000a" in body
    assert "\\\\u001b" in body
    assert "\\\\u202e" in body


@pytest.mark.django_db
def test_an_entry_that_could_not_be_exported_is_refused() -> None:
    with pytest.raises(ValueError, match="batches"), transaction.atomic():
        append(entry(text="x" * LARGEST_ENTRY))
    assert AuditHead.objects.get().size == 0


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["UPDATE incidents_auditentry SET event = 'x'", "DELETE FROM incidents_auditentry"])
def test_the_database_refuses_to_change_an_entry(verb: str) -> None:
    with transaction.atomic():
        append(entry())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)
    assert verify().fault == ""


@pytest.mark.django_db
def test_the_database_refuses_to_replace_or_truncate() -> None:
    with transaction.atomic():
        append(entry())
    statement = (
        "INSERT OR REPLACE INTO incidents_auditentry SELECT * FROM incidents_auditentry"
        if connection.vendor == "sqlite"
        else "TRUNCATE incidents_auditentry"
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
