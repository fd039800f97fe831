"""The reviewer's pages of the audit log: search, one entry, files; who may, and what clumsy people type."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.html import escape
from guardian.shortcuts import assign_perm
from pytest_django import DjangoAssertNumQueries

from console import audit_files, audit_forms
from incidents.audit.log import ENGINE, Actor, Entry, actor_of, append, coming_by
from incidents.domain.merkle import leaf_hash
from incidents.models import AuditEntry, Review
from incidents.services import audit_checks
from tests import factories
from tests.console.conftest import Shop, sign_in, start_run

ROBIN = Actor("person", "1", "robin")


@pytest.fixture
def reviewer(shop: Shop) -> Client:
    """Of the whole log."""
    return sign_in(factories.make_person("reviewer", "reviewers"))


@pytest.fixture
def narrow(shop: Shop) -> Client:
    """Of the one organization, by a right of their own."""
    person = factories.make_person("narrow")
    assign_perm("incidents.review_organization", person, shop.organization)
    return sign_in(person)


def write(*entries: Entry) -> None:
    with transaction.atomic():
        append(*entries)


def refused(number: int, text: str = "no") -> Entry:
    return Entry("run.refused", ROBIN, "example-shop", data={"text": f"{text} n{number}"})


def shown(answer: Any) -> list[int]:
    return [int(number) for number in re.findall(r'<a href="/audit/(\d+)">Entry', answer.content.decode())]


def link(answer: Any, text: str) -> str:
    found = re.search(rf'href="([^"]+)">{text}<', answer.content.decode())
    return "" if found is None else "/audit" + found[1].replace("&amp;", "&").removeprefix("/audit")


def body_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_each_field_finds_and_the_link_finds_the_same(reviewer: Client, shop: Shop) -> None:
    run = start_run(shop, shop.broken)
    write(
        Entry("target.failed", ENGINE, "example-shop", str(run.pk), {"resources": ["203.0.113.0/24"], "location": "x"}),
        Entry("session.began", Actor("person", "7", "somebody"), data={"network": "n"}),
        Entry("person.removed", ROBIN, "example-bank", data={"person": "somebody", "before": "owners", "after": ""}),
    )
    size = AuditEntry.objects.count()
    accepted = AuditEntry.objects.get(event="run.accepted").index
    failed, began, removed = size - 3, size - 2, size - 1
    for query, found in (
        ("action=run.accepted", [accepted]),
        ("action=run", [accepted]),
        ("action=readvertise_prefix&organization=example-shop", [accepted]),
        ("person=somebody", [removed, began]),
        ("person=robin&outcome=done", [removed]),
        ("outcome=failed", [failed]),
        ("resource=203.0.113.0/24", [failed]),
        ("organization=example-bank", [removed]),
        (f"words={run.pk}", [failed, accepted, accepted - 1]),
        ("words=shop+down", [accepted]),
        ("words=nothing+of+the+kind", []),
        ("person=who-is-that", []),
        ("from=2000-01-01&to=2000-01-02", []),
        ("from=2000-01-01&words=owners", [removed]),
        ("to=2000-01-01", []),
    ):
        answer = reviewer.get(f"/audit?{query}")
        assert answer.status_code == 200
        assert shown(answer) == found, query
        assert shown(reviewer.get(link(answer, "Link to this search"))) == found, query


def test_pages_turn_both_ways_without_a_gap(reviewer: Client) -> None:
    write(*[refused(number) for number in range(120)])
    first = reviewer.get("/audit?words=no")
    assert len(shown(first)) == 50
    assert link(first, "Newer entries") == ""
    second = reviewer.get(link(first, "Older entries"))
    third = reviewer.get(link(second, "Older entries"))
    assert link(third, "Older entries") == ""
    whole = shown(first) + shown(second) + shown(third)
    assert whole == sorted(whole, reverse=True)
    assert len(set(whole)) == len(whole) == 120
    assert shown(reviewer.get(link(third, "Newer entries"))) == shown(second)
    write(refused(120))
    again = reviewer.get(link(second, "Newer entries"))
    assert shown(again) == shown(first), "what is new moves nothing on a page that was there before"
    assert len(shown(reviewer.get(link(again, "Newer entries")))) == 1
    beyond = reviewer.get("/audit?words=no&before=0")
    assert shown(beyond) == []
    assert beyond.status_code == 200
    assert shown(reviewer.get(link(beyond, "Newer entries"))) == whole[-51:-1]


def test_the_pages_cost_the_same_however_long_the_log_is(
    reviewer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    write(*[refused(number) for number in range(5)])
    for _ in range(2):
        reviewer.get("/audit?words=no")
        reviewer.get("/audit/3")
    with django_assert_num_queries(QUERIES_OF_SEARCH):
        reviewer.get("/audit?words=no")
    with django_assert_num_queries(QUERIES_OF_ENTRY):
        reviewer.get("/audit/3")
    write(*[refused(number) for number in range(200)])
    with django_assert_num_queries(QUERIES_OF_SEARCH):
        reviewer.get("/audit?words=no")


# PostgreSQL is asked twice or three times where SQLite is asked once, see `incidents.audit.index`; and once more for
# each page in a log that is longer than what it looks through first.
QUERIES_OF_SEARCH, QUERIES_OF_ENTRY = (13, 8) if connection.vendor == "sqlite" else (15, 9)


BAD: dict[str, tuple[str, str]] = {
    "a day that is none": ("from=2026-02-30", audit_forms.NO_TIME),
    "an hour that is none": ("to=2026-02-20+25:00", audit_forms.NO_TIME),
    "no day at all": ("from=yesterday", audit_forms.NO_TIME),
    "a day after the last": ("to=9999-12-31", audit_forms.NO_TIME),
    "a long time": (f"to={'2' * 5000}", audit_forms.NO_TIME),
    "a day with a NUL": ("to=2026-02-20%00", audit_forms.NO_TIME),
    "turned round": ("from=2026-02-21&to=2026-02-20", audit_forms.TURNED),
    "unknown organization": ("organization=example-nobody", audit_forms.NO_ORGANIZATION),
    "organization with a NUL": ("organization=%00", audit_forms.NO_ORGANIZATION),
    "unknown action": ("action=run.exploded", audit_forms.NO_ACTION),
    "unknown outcome": ("outcome=great", audit_forms.NO_OUTCOME),
    "100 KB": (f"words={'x' * 100_000}", audit_forms.TOO_LONG),
    "too many words": ("words=" + "+".join(f"w{number}" for number in range(30)), audit_forms.TOO_MANY),
    "signs alone": ("words=%25+%2A+%22", audit_forms.NO_WORD),
    "a long name": (f"person={'x' * 300}", "at most 200 letters"),
    "a long resource": (f"resource={'x' * 300}", "at most 200 letters"),
    "a made-up cursor": ("before=abc", audit_forms.NO_PLACE),
    "a negative cursor": ("after=-1", audit_forms.NO_PLACE),
    "a cursor with a NUL": ("before=1%00", audit_forms.NO_PLACE),
    "a huge cursor": (f"before={'9' * 40}", audit_forms.NO_PLACE),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_searched_for_is_said_and_changes_nothing(reviewer: Client, case: str) -> None:
    query, problem = BAD[case]
    write(refused(1))
    before = AuditEntry.objects.count()
    for address in ("/audit", "/audit/export.csv", "/audit/export.jsonl"):
        answer = reviewer.get(f"{address}?{query}")
        page = answer.content.decode()
        assert answer.status_code == 422
        assert escape(problem) in page
        assert shown(answer) == []
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize(
    ("typed", "hit"),
    [
        ('"', ""),
        ("'; DROP TABLE x; --", "it is DROP TABLE x"),
        ("100%", "rose by 100% then"),
        ("a_b", "file a_b there"),
        ("back\\slash", "a back\\slash in it"),
        ("AND", "this AND that"),
        ("NEAR(no, 3)", "NEAR no 3"),
        ("no*", "no"),
        ("^no", "no"),
        ("terms:no", "said terms:no here"),
        ("{no} NOT (x)", "no NOT x"),
        ("no OR", "no OR"),
        ("\u202enoitseuq", "the \u202enoitseuq"),
        ("\x00null", "a \x00null"),
        ("名前", "その 名前 です"),
        ("ＮＯ", "no"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_signs_are_only_signs(reviewer: Client, typed: str, hit: str) -> None:
    """What stands in an entry is found by typing it as it stands there, and nothing else is found by it."""
    write(refused(1, "something quite different"), refused(2, hit))
    answer = reviewer.get("/audit", {"words": typed, "action": "run.refused"})
    if not hit:
        assert answer.status_code == 422
        return
    assert answer.status_code == 200
    assert shown(answer) == [AuditEntry.objects.order_by("-index").exclude(event="audit.searched")[0].index]
    assert b"<script>alert" not in answer.content
    for field in ("person", "resource"):
        assert reviewer.get("/audit", {field: typed}).status_code == 200
    told = reviewer.get("/audit", {"action": "audit.searched"})
    assert told.status_code == 200
    assert "\u202e" not in told.content.decode()


def test_an_entry_has_a_page_with_its_bytes_and_its_links(reviewer: Client, shop: Shop) -> None:
    run = start_run(shop, shop.broken)
    row = AuditEntry.objects.get(event="run.accepted")
    page = reviewer.get(f"/audit/{row.index}").content.decode()
    assert f"shop-operator started run {run.reference} (readvertise_prefix): shop is down" in page
    assert escape(bytes(row.body).decode()) in page
    assert leaf_hash(bytes(row.body)).hex() in page
    assert f"/audit?words={run.pk}" in page
    assert "/audit?person=shop-operator" in page
    assert "/audit?organization=example-shop" in page
    assert f"/runs/{run.reference}" not in page, "a reviewer may not open it"
    for nowhere in ("99999", "9" * 30, str(2**62), str(2**63)):
        assert reviewer.get(f"/audit/{nowhere}").status_code == 404


def test_the_way_by_which_a_person_came_is_found_and_shown(reviewer: Client) -> None:
    with coming_by(command="act", user="host-user"):
        write(refused(1))
    assert shown(reviewer.get("/audit?words=host-user")) == [0]
    page = reviewer.get("/audit/0").content.decode()
    assert "Came by, user" in page
    assert "host-user" in page


def test_markup_in_an_entry_stays_text(reviewer: Client) -> None:
    write(Entry("run.refused", ROBIN, "example-shop", data={"text": "<img src=x onerror=alert(1)>"}))
    for address in ("/audit", "/audit/0"):
        page = reviewer.get(address).content.decode()
        assert "<img" not in page
        assert "&lt;img src=x" in page


def test_an_event_without_a_sentence_is_shown_all_the_same(reviewer: Client) -> None:
    write(Entry("later.invented", ROBIN, data={"deep": [{"a": [1, True, None]}], "empty": []}))
    assert "robin: later.invented." in reviewer.get("/audit").content.decode()
    assert "1, yes, none" in reviewer.get("/audit/0").content.decode()


def test_nobody_else_gets_in(shop: Shop, desk: Client, engineer: Client, owner: Client) -> None:
    write(refused(1))
    for client in (*shop.clients.values(), desk, engineer, owner):
        for address in ("/audit", "/audit/0", "/audit/export.csv", "/audit/export.jsonl", "/audit?words=%00"):
            assert client.get(address).status_code == 404
    assert Client().get("/audit")["Location"].startswith("/sign-in?next=/audit")


def test_a_reviewer_of_one_organization_sees_that_one_alone(narrow: Client, shop: Shop) -> None:
    write(
        refused(1),
        Entry("run.refused", ROBIN, "example-bank", data={"text": "no n2"}),
        Entry("session.began", ROBIN, data={"network": "no"}),
    )
    assert shown(narrow.get("/audit?words=no")) == [0]
    assert shown(narrow.get("/audit?person=robin")) == [0]
    assert narrow.get("/audit?organization=example-bank").status_code == 422
    assert narrow.get("/audit/0").status_code == 200
    assert [narrow.get(f"/audit/{number}").status_code for number in (1, 2)] == [404, 404]
    assert "example-bank" not in body_of(narrow.get("/audit/export.csv"))
    assert "entries, " not in narrow.get("/audit").content.decode()


def test_reading_is_written_down_once_and_each_copy_each_time(reviewer: Client) -> None:
    write(refused(1))
    for _ in range(3):
        reviewer.get("/audit?organization=example-shop&words=no")
        reviewer.get("/audit?organization=example-shop&words=no&before=1")
        reviewer.get("/audit/0")
        reviewer.get("/audit")
    for _ in range(2):
        reviewer.get("/audit/export.csv?words=no")
    rows = AuditEntry.objects.exclude(event="run.refused").order_by("index")
    events = [(row.event, row.actor, row.organization) for row in rows]
    assert events == [
        ("audit.searched", "reviewer", ""),
        ("audit.read", "reviewer", ""),
        ("audit.searched", "reviewer", ""),
        ("audit.exported", "reviewer", ""),
        ("audit.exported", "reviewer", ""),
    ]
    told = json.loads(bytes(rows[0].body))["data"]
    assert told["search"] == {"organization": "example-shop", "words": "no"}


def test_the_same_search_of_somebody_else_and_later_is_written_down_again(
    reviewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer.get("/audit?words=no")
    sign_in(factories.make_person("second", "reviewers")).get("/audit?words=no")
    assert AuditEntry.objects.filter(event="audit.searched").count() == 2
    monkeypatch.setattr("incidents.services.audit_reads.ONCE_IN", timedelta(0))
    reviewer.get("/audit?words=no")
    assert AuditEntry.objects.filter(event="audit.searched").count() == 3


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def shrink(batch: int, most: int) -> None:
        monkeypatch.setattr(audit_files, "BATCH", batch)
        monkeypatch.setattr(audit_files, "MOST", most)

    return shrink


def test_json_lines_hold_what_was_hashed_and_go_on_where_they_end(
    reviewer: Client, small_files: Callable[[int, int], None]
) -> None:
    write(*[refused(number, "größer") for number in range(12)])
    small_files(3, 7)
    address, seen = "/audit/export.jsonl?action=run.refused", []
    while address:
        answer = reviewer.get(address)
        assert answer["Content-Type"].startswith("application/jsonl")
        lines = [json.loads(line) for line in body_of(answer).splitlines()]
        more = lines.pop()["more"] if "more" in lines[-1] else ""
        for line in lines:
            assert leaf_hash(line["body"].encode()).hex() == line["leaf"]
        seen += [line["index"] for line in lines]
        address = f"/audit/export.jsonl?{more}" if more else ""
    assert seen == list(range(11, -1, -1))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1+1", '=cmd|"/c calc"!A1'])
def test_no_cell_is_a_formula(reviewer: Client, text: str) -> None:
    write(Entry("run.refused", Actor("person", "1", text), "example-shop", data={"text": text}))
    answer = reviewer.get("/audit/export.csv?action=run.refused")
    assert "attachment" in answer["Content-Disposition"]
    names, row = csv.reader(StringIO(body_of(answer), newline=""))
    assert names == list(audit_files.COLUMNS)
    assert len(row) == len(names)
    assert all(not cell.lstrip(" ").startswith(audit_files.FORMULA) for cell in row)
    assert text.strip("\t\r") in row[names.index("who")]


def test_the_page_says_what_the_last_reading_found(reviewer: Client) -> None:
    assert "Never read again as a whole" in reviewer.get("/audit").content.decode()
    write(refused(1))
    audit_checks.check(Actor("command", "root", "root"))
    size = AuditEntry.objects.count() - 1
    page = reviewer.get("/audit").content.decode()
    assert f"{size} of {size}</span> entries were unchanged and in order; 1 entry came after that" in page
    assert "manage.py audit verify" in page
    assert "does not prove that everything was recorded" in page


def test_break_glass_uses_wait_on_the_page_for_review(reviewer: Client, narrow: Client, shop: Shop) -> None:
    assert "No break-glass use waits" in reviewer.get("/audit").content.decode()
    run = start_run(shop, shop.broken)
    review = Review.objects.create(run=run, opened_at=run.accepted_at)
    write(Entry("approval.break-glass", actor_of(shop.operator), "example-shop", data={"reason": "now"}))
    for client in (reviewer, narrow):
        assert f'href="/reviews/{review.pk}">Review {run.reference}' in client.get("/audit").content.decode()
    assert len(shown(reviewer.get("/audit?action=approval.break-glass"))) == 1
    review.done_at = run.accepted_at
    review.save()
    assert "No break-glass use waits" in reviewer.get("/audit").content.decode()
