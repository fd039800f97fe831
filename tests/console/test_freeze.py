"""Pausing runs on the pages: shown first, done by a form, read by the customers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from incidents.models import AuditEntry, Breaker, Freeze, Organization, Person
from incidents.services.freeze import Over, set_freeze
from tests import factories
from tests.console.conftest import Shop, narrow, start_run

WHY = {"because": "We look at the routers"}
SHOP = {"over": "customer:example-shop", **WHY}
CHECK = "/desk/freeze/check"


def test_it_is_shown_before_it_is_done(shop: Shop, desk: Client) -> None:
    start_run(shop, shop.broken)

    page = desk.get(CHECK, {"over": "everyone", **WHY}).text
    assert "Nothing has changed yet." in page
    assert "1 run under way will stop before its next change" in page
    assert "2 customers will read: Runs are paused by Example Networks: “<bdi>We look at the routers</bdi>”" in page
    assert "1 customer will read" in desk.get(CHECK, SHOP).text
    assert "“Advertise it again” is paused" in desk.get(CHECK, {"over": "action:readvertise_prefix", **WHY}).text
    assert not Freeze.objects.exists()


@pytest.mark.parametrize("over", ["everyone", "customer:example-shop", "action:readvertise_prefix"])
@pytest.mark.usefixtures("still_world")
def test_the_customer_reads_it_and_nothing_starts(shop: Shop, desk: Client, operator: Client, over: str) -> None:
    answer = desk.post(CHECK, {"over": over, **WHY})
    assert (answer.status_code, answer["Location"]) == (303, "/desk/freeze")

    home = operator.get(shop.home).text
    assert "paused by Example Networks since" in home
    assert "We look at the routers" in home
    preview = operator.get(shop.preview()).text
    assert "Code: guard.freeze" in preview
    assert "<button>Re-advertise" not in preview
    assert "paused" in desk.get("/desk").text

    [row] = Freeze.objects.all()
    lifted = desk.post(f"/desk/freeze/{row.pk}/lift", {"because": "All is well"}, follow=True)
    assert "Nothing is paused." in lifted.text
    assert "paused by" not in operator.get(shop.home).text
    assert "<button>Re-advertise" in operator.get(shop.preview()).text


def test_a_freeze_of_another_customer_is_none_of_theirs(shop: Shop, desk: Client, operator: Client) -> None:
    desk.post(CHECK, {"over": "customer:example-bank", **WHY})

    assert "paused by" not in operator.get(shop.home).text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Choose what to pause."),
        ({"over": "", **WHY}, "Choose what to pause."),
        ({"over": "customer:", **WHY}, "Choose what to pause."),
        ({"over": "customer:nobody", **WHY}, "Choose what to pause."),
        ({"over": "action:restore_the_moon", **WHY}, "Choose what to pause."),
        ({"over": "everyone", "because": "  "}, "Write why runs are paused."),
        ({"over": "everyone", "because": "x" * 301}, "at most 300 letters"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_missing_is_said(shop: Shop, desk: Client, said: dict[str, str], words: str, method: str) -> None:
    page = getattr(desk, method)(CHECK, said)

    assert page.status_code == 422
    assert words in page.text
    assert "<title>Error: Pause runs</title>" in page.text
    assert not Freeze.objects.exists()


def test_twice_is_said(shop: Shop, desk: Client) -> None:
    desk.post(CHECK, SHOP)

    page = desk.post(CHECK, SHOP)

    assert page.status_code == 422
    assert "This is paused already." in page.text
    assert Freeze.objects.count() == 1


def test_support_of_one_organization_pauses_that_one_only(shop: Shop) -> None:
    bank = Organization.objects.get(slug="example-bank")
    browser = narrow(bank)

    page = browser.get("/desk/freeze").text
    assert 'value="customer:example-bank"' in page
    assert 'value="everyone"' not in page
    for over in ("everyone", "action:readvertise_prefix", "customer:example-shop"):
        assert browser.post(CHECK, {"over": over, **WHY}).status_code == 422
    assert browser.post(CHECK, {"over": "customer:example-bank", **WHY}).status_code == 303
    assert Freeze.objects.get().organization == bank


def test_nobody_lifts_what_is_not_theirs(shop: Shop, desk: Client, engineer: Client) -> None:
    person = Person.objects.get(username="desk")
    row = set_freeze(person, Over(Freeze.Scope.ORGANIZATION, shop.organization), "why")
    everyone = set_freeze(person, Over(Freeze.Scope.EVERYONE), "why")
    browser = narrow(Organization.objects.get(slug="example-bank"))

    for one in (row, everyone):
        for who in (browser, engineer, shop.clients["operator"]):
            assert who.post(f"/desk/freeze/{one.pk}/lift", {"because": "mine"}).status_code == 404
    assert browser.post(f"/desk/freeze/{row.pk}/lift", {"because": "mine"}).status_code == 404
    assert browser.post("/desk/freeze/99999999999999999999/lift", {"because": "mine"}).status_code == 404
    assert Freeze.objects.filter(lifted_at=None).count() == 2
    # The same address by the same person is written down once.
    assert AuditEntry.objects.filter(event="access.denied").count() == 7


def test_lifting_needs_a_reason_and_a_post(shop: Shop, desk: Client) -> None:
    desk.post(CHECK, SHOP)
    row = Freeze.objects.get()

    refused = desk.post(f"/desk/freeze/{row.pk}/lift", {"because": ""})
    assert refused.status_code == 422
    assert "Write why runs may go on." in refused.text
    assert desk.get(f"/desk/freeze/{row.pk}/lift").status_code == 303
    assert Freeze.objects.filter(lifted_at=None).count() == 1


def test_the_check_is_for_the_wording_of_one(shop: Shop, desk: Client, still_world: Callable[[str], None]) -> None:
    factories.make_organization("third", "Third")

    assert "3 customers will read" in desk.get(CHECK, {"over": "everyone", **WHY}).text
    assert "No run is under way." in desk.get(CHECK, SHOP).text


def test_what_has_stopped_by_itself_is_let_go_on_with_a_reason(shop: Shop, desk: Client, operator: Client) -> None:
    run = start_run(shop, shop.broken)
    breaker = Breaker.objects.create(
        action=factories.ACTION, rescue=True, opened_at=run.accepted_at, because="5 of 6 runs did not work.", run=run
    )
    page = desk.get("/desk/freeze").text
    assert "“Advertise it again”, for everybody" in page
    assert "5 of 6 runs did not work." in page
    assert "has stopped by itself for everybody" in desk.get("/desk").text
    address = f"/desk/breaker/{breaker.pk}/close"
    refused = desk.post(address, {"because": " "})
    assert refused.status_code == 422
    assert "Write what was looked at, and why it may go on." in refused.text
    assert operator.post(address, {"because": "let me"}).status_code == 404
    assert desk.post(address, {"because": "The routers are well"}).status_code == 303
    breaker.refresh_from_db()
    assert (str(breaker.closed_by), breaker.closed_because) == ("the support desk", "The routers are well")
    assert "Stopped by itself" not in desk.get("/desk/freeze").text
