"""Signing in and out."""

from __future__ import annotations

import pytest
from django.test import Client

from incidents.models import Person
from tests.console.conftest import Shop
from tests.factories import PASSWORD

GOOD = {"username": "shop-operator", "password": PASSWORD}


def test_it_leads_back_to_where_the_person_wanted_to_be(shop: Shop, client: Client) -> None:
    assert client.post("/sign-in", {**GOOD, "next": shop.home})["Location"] == shop.home


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_never_leads_away_from_the_console(shop: Shop, client: Client, wanted: str) -> None:
    page = client.get("/sign-in", {"next": wanted})

    assert "evil" not in page.text
    assert client.post("/sign-in", {**GOOD, "next": wanted})["Location"] == "/"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "wrong"}, "The name and the password do not belong together."),
        ({"username": "who"}, "The name and the password do not belong together."),
        ({"username": ""}, "Write your name."),
        ({"password": ""}, "Write your password."),
    ],
)
def test_it_says_what_is_wrong(shop: Shop, client: Client, given: dict[str, str], words: str) -> None:
    answer = client.post("/sign-in", GOOD | given)

    assert answer.status_code == 422
    assert "<title>Error: Sign in" in answer.text
    assert words in answer.text
    assert PASSWORD not in answer.text


def test_somebody_who_has_left_cannot_sign_in(shop: Shop, operator: Client, client: Client) -> None:
    Person.objects.update(is_active=False)

    assert client.post("/sign-in", GOOD).status_code == 422
    # A session that was open is over at once.
    assert operator.get(shop.home).status_code == 302


def test_sign_out_ends_the_session_and_takes_a_post(shop: Shop, operator: Client) -> None:
    assert operator.get("/sign-out").status_code == 405
    assert operator.post("/sign-out")["Location"] == "/sign-in"
    assert operator.get(shop.home).status_code == 302


def test_who_is_signed_in_already_goes_on(shop: Shop, operator: Client) -> None:
    assert operator.get("/sign-in", {"next": shop.home})["Location"] == shop.home
