"""The engineers' queue on the pages, and what the customer is told about their place in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import AuditEntry, EngineerEntry, Organization
from tests import factories
from tests.console.conftest import Shop, narrow

EVERYWHERE = ("edge-a", "edge-b", "edge-c")


@pytest.fixture
def entry(shop: Shop) -> EngineerEntry:
    """Example Shop waits second, behind Example Bank."""
    bank = Organization.objects.get(slug="example-bank")
    long_ago = timezone.now() - timedelta(hours=1)
    factories.make_prefix(bank, "198.18.20.0/24", withdrawn=EVERYWHERE, unbound=EVERYWHERE, since=long_ago)
    prefix = factories.make_prefix(shop.organization, "198.51.100.0/24", withdrawn=EVERYWHERE, unbound=EVERYWHERE)
    return EngineerEntry.objects.get(resource=prefix)


def close(entry: EngineerEntry, minutes: int) -> None:
    """An earlier entry that took so long."""
    at = timezone.now() - timedelta(days=1)
    EngineerEntry.objects.create(
        resource=entry.resource, damage=entry.damage, opened_at=at - timedelta(minutes=minutes), closed_at=at
    )


def test_it_lists_what_waits_longest_first(shop: Shop, engineer: Client, entry: EngineerEntry) -> None:
    page = engineer.get("/desk/queue").text

    assert "<h1>2 wait for an engineer</h1>" in page
    assert page.index("198.18.20.0/24") < page.index("198.51.100.0/24")
    assert "There is no usual time yet" in page
    assert page.count("Nobody has it yet.") == 2


def test_the_customer_reads_their_place_and_the_usual_time(shop: Shop, operator: Client, entry: EngineerEntry) -> None:
    assert "number 2 in their queue" in operator.get(shop.home).text
    assert "We have no usual time yet." in operator.get(shop.home).text
    for minutes in (20, 25, 30, 35, 40):
        close(entry, minutes)

    page = operator.get(shop.home).text

    assert "number 2 in their queue" in page
    assert "Usually this takes 20 to 40 minutes (from 5 earlier ones)." in page
    assert "Example Bank" not in page


def test_an_engineer_takes_it_and_writes_to_the_customer(
    shop: Shop, engineer: Client, operator: Client, entry: EngineerEntry
) -> None:
    answer = engineer.post(f"/desk/queue/{entry.pk}/take", {"instead_of": ""}, follow=True)
    assert answer.redirect_chain == [("/desk/queue", 303)]
    assert "<strong>A platform engineer</strong> has it since" in answer.text

    engineer.post(f"/desk/queue/{entry.pk}/note", {"note": "We make the <bindings> anew"})
    page = operator.get(shop.home).text
    assert "A platform engineer has taken it at" in page
    assert "<bdi>We make the &lt;bindings&gt; anew</bdi>" in page


def test_of_two_who_reach_for_it_one_gets_it(shop: Shop, engineer: Client, entry: EngineerEntry) -> None:
    other = factories.make_person("other", "engineers")
    EngineerEntry.objects.filter(pk=entry.pk).update(taken_by=other, taken_at=timezone.now())

    answer = engineer.post(f"/desk/queue/{entry.pk}/take", {"instead_of": ""})
    assert answer.status_code == 422
    assert "Somebody else has taken it meanwhile." in answer.text
    assert "Take it over" in answer.text

    assert engineer.post(f"/desk/queue/{entry.pk}/take", {"instead_of": "other"}).status_code == 303
    entry.refresh_from_db()
    assert str(entry.taken_by) == "a platform engineer"


def test_support_reads_it_and_writes_but_takes_nothing(shop: Shop, desk: Client, entry: EngineerEntry) -> None:
    page = desk.get("/desk/queue").text
    assert "Take it" not in page

    assert desk.post(f"/desk/queue/{entry.pk}/take", {"instead_of": ""}).status_code in (403, 404)
    assert desk.post(f"/desk/queue/{entry.pk}/note", {"note": "Ten more minutes"}).status_code == 303
    entry.refresh_from_db()
    assert (entry.taken_by, entry.note) == (None, "Ten more minutes")


@pytest.mark.parametrize("note", ["", "  ", "x" * 301, "a\0b"])
def test_a_note_that_says_nothing_is_refused(shop: Shop, engineer: Client, entry: EngineerEntry, note: str) -> None:
    answer = engineer.post(f"/desk/queue/{entry.pk}/note", {"note": note})

    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    entry.refresh_from_db()
    assert entry.note == ""


@pytest.mark.parametrize("verb", ["take", "note"])
def test_entries_of_others_are_not_there(shop: Shop, operator: Client, entry: EngineerEntry, verb: str) -> None:
    browsers = (operator, narrow(Organization.objects.get(slug="example-bank")))

    for browser in browsers:
        answer = browser.post(f"/desk/queue/{entry.pk}/{verb}", {"instead_of": "", "note": "mine"})
        assert answer.status_code == 404
    assert browsers[1].post(f"/desk/queue/123456789/{verb}").status_code in (404, 422)
    assert "198.51.100.0/24" not in browsers[1].get("/desk/queue").text
    assert AuditEntry.objects.filter(event="access.denied").count() >= 2


def test_getting_a_verb_changes_nothing(shop: Shop, engineer: Client, entry: EngineerEntry) -> None:
    for verb in ("take", "note"):
        answer = engineer.get(f"/desk/queue/{entry.pk}/{verb}")
        assert (answer.status_code, answer["Location"]) == (303, "/desk/queue")
    entry.refresh_from_db()
    assert (entry.taken_by, entry.note) == (None, "")


def test_it_says_when_nothing_waits(shop: Shop, engineer: Client) -> None:
    assert "<h1>Nothing waits for an engineer</h1>" in engineer.get("/desk/queue").text
