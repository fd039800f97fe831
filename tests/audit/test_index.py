"""The search index: which words find which entry, in which order and stretch, and what nobody can break it with."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, transaction

from incidents.audit import index
from incidents.audit.index import END, Reach
from incidents.audit.log import ENGINE, Actor, Entry, append
from incidents.domain.audit_terms import term, words_of
from incidents.domain.canonical import JsonObject
from incidents.models import AuditEntry

pytestmark = pytest.mark.django_db
ROBIN = Actor("person", "1", "Robin")


def write(*entries: Entry) -> None:
    with transaction.atomic():
        append(*entries)


def asked(words: str = "", reach: Reach = Reach(), most: int = 50, *, oldest_first: bool = False) -> list[int]:  # noqa: B008
    terms = [[term("word", word)] for word in words_of(words)]
    return index.find(connection, terms, reach, most, oldest_first=oldest_first)


@pytest.fixture
def three() -> None:
    sent: JsonObject = {"resources": ["203.0.113.0/24"], "location": "edge-a"}
    ended: JsonObject = {"because": "target.failed", "checks": [{"text": "größer"}]}
    write(
        Entry("run.accepted", ROBIN, "example-shop", "run-1", {"reason": "Shop is DOWN", "action": "restore_to"}),
        Entry("target.attempted", ENGINE, "example-shop", "run-1", sent),
        Entry("run.failed", ENGINE, "example-bank", "run-2", ended),
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("down", [0]),
        ("shop", [1, 0]),
        ("SHOP down", [0]),
        ("down bank", []),
        ("203.0.113.0/24", [1]),
        ("203.0.113", [1]),
        ("203.0.11", []),
        ("113", []),
        ("24", []),
        ("edge", [1]),
        ("run-1", [1, 0]),
        ("GRÖSSER", [2]),
        ("restore_to", [0]),
        ("readvertise", []),
        ("", [2, 1, 0]),
    ],
)
def test_all_words_and_beginnings_of_words_find(three: None, words: str, found: list[int]) -> None:
    assert asked(words) == found


@pytest.mark.parametrize(
    ("facet", "value", "found"),
    [
        ("event", "run", [2, 0]),
        ("event", "run.failed", [2]),
        ("organization", "example-shop", [1, 0]),
        ("organization", "example", []),
        ("person", "robin", [0]),
        ("person", "engine", [2, 1]),
        ("action", "restore_to", [0]),
        ("resource", "203.0.113.0/24", [1]),
        ("resource", "edge-a", []),
        ("outcome", "failed", [2]),
    ],
)
def test_facts_find_and_are_no_words(three: None, facet: str, value: str, found: list[int]) -> None:
    assert index.find(connection, [[term(facet, value)]], Reach(), 9, oldest_first=False) == found  # type: ignore[arg-type]


def test_stretches_and_order(three: None) -> None:
    write(*[Entry("session.began", ROBIN, data={"network": f"net-{number}"}) for number in range(20)])
    assert asked("robin", most=3) == [22, 21, 20]
    assert asked("robin", Reach(0, 20), most=3) == [19, 18, 17]
    assert asked("robin", Reach(5), most=3, oldest_first=True) == [5, 6, 7]
    assert asked("robin", Reach(1, 3)) == []
    assert asked("", Reach(1, 3), oldest_first=True) == [1, 2]
    assert asked("robin", Reach(9, 9)) == []
    either = [[term("organization", "example-shop"), term("organization", "example-bank")]]
    assert index.find(connection, either, Reach(), 9, oldest_first=False) == [2, 1, 0]
    assert index.find(connection, [[]], Reach(), 9, oldest_first=False) == [], "of no organization there is nothing"


def test_what_is_far_away_is_found_and_no_page_is_torn(three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*[Entry("session.began", ROBIN if number % 2 else ENGINE) for number in range(40)])
    whole = asked("robin", most=99)
    assert len(whole) == 21
    for near in (1, 5, 39, 1000):
        monkeypatch.setattr(index, "NEAR", near)
        assert asked("robin", most=99) == whole
        assert asked("robin", Reach(0, whole[4]), most=3) == whole[5:8]
        assert asked("robin", Reach(whole[4] + 1), most=3, oldest_first=True) == whole[1:4][::-1]


def test_what_is_rolled_back_is_not_found() -> None:
    with transaction.atomic():
        append(Entry("session.began", ROBIN))
        transaction.set_rollback(True)
    assert index.find(connection, [[term("person", "robin")]], Reach(), 9, oldest_first=False) == []


def test_entries_from_before_are_made_findable_by_the_migration(three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(AuditEntry.objects.values_list("index", "leaf"))
    index.drop(connection)
    monkeypatch.setattr(index, "BATCH", 2)
    migration = import_module("incidents.migrations.0009_audit_search")
    migration.make(apps, connection.schema_editor(atomic=False))
    assert asked("shop") == [1, 0]
    assert asked("failed") == [2]
    assert list(AuditEntry.objects.values_list("index", "leaf")) == before
    index.empty(connection)
    assert asked("shop") == []
    assert index.fill(connection) == 3
    assert asked("shop") == [1, 0]


@pytest.mark.parametrize("name", ["a b", '"', "AND", "x" * 60_000, "\x00", "\u202eabc", "名前-例"])
def test_whatever_is_written_can_be_written_and_found_by_its_words(name: str) -> None:
    write(Entry("session.began", ROBIN, data={"what": name}))
    [row] = AuditEntry.objects.all()
    assert asked("robin", Reach(0, END)) == [row.index]
    assert asked(name) == [row.index] or not words_of(name) or name == "\u202eabc"


def test_a_stale_row_of_the_index_never_keeps_an_entry_from_being_written() -> None:
    index.note(connection, [(0, b'{"actor":{"name":"x"},"data":{},"event":"a.b","organization":"","run":""}')])
    write(Entry("session.began", ROBIN))
    assert asked("robin") == [0]
