"""Signing in and out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from incidents.models import Person
from tests.console.conftest import Shop
from tests.console.test_weight import GZIP, KB, files_of, wire
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
    assert f'<a href="#id_username">{words}' in answer.text
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


def wrong_from(client: Client, *addresses: str) -> list[int]:
    """What each of these tries is answered with; an address is what X-Forwarded-For says."""
    bad = {**GOOD, "password": "wrong"}
    return [client.post("/sign-in", bad, headers={"x-forwarded-for": address}).status_code for address in addresses]


def test_too_many_tries_are_told_how_long_to_wait_and_what_works(shop: Shop, client: Client) -> None:
    wrong_from(client, *["192.0.2.1"] * 5)

    answer = client.post("/sign-in", {**GOOD, "next": shop.home})

    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert "Too many tries. Wait 5 minutes." in answer.text
    assert "Use a passkey, which is not held up by this, or call" in answer.text
    assert f'value="{shop.home}"' in answer.text


def test_nobody_chooses_their_own_address(shop: Shop, client: Client) -> None:
    assert wrong_from(client, *[f"198.51.{number}.1" for number in range(6)]) == [422] * 5 + [429]


def test_behind_a_proxy_the_address_is_what_the_proxy_wrote(shop: Shop, client: Client, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    # What the client wrote itself stands before it.
    assert wrong_from(client, *[f"203.0.{number}.1, 192.0.2.1" for number in range(6)]) == [422] * 5 + [429]
    assert wrong_from(client, "192.0.2.1, 198.51.100.1") == [422]


def test_whoever_comes_past_the_proxies_is_one_network(shop: Shop, client: Client, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert wrong_from(client, *[f"203.0.{number}.1" for number in range(6)]) == [422] * 5 + [429]


def test_a_known_network_is_given_more_tries(shop: Shop, client: Client, settings: Settings) -> None:
    settings.KNOWN_NETWORKS = ["127.0.0.0/8"]
    assert wrong_from(client, *[""] * 21) == [422] * 20 + [429]


def test_a_name_without_end_is_refused_before_anything_is_done(shop: Shop, client: Client) -> None:
    assert client.post("/sign-in", {**GOOD, "username": "x" * 10_000}).status_code == 422
    assert client.post("/sign-in", {**GOOD, "password": "x" * 10_000}).status_code == 422
    assert client.post("/sign-in", {**GOOD, "username": "a\0b"}).status_code == 422


def test_the_page_needs_no_script_for_a_password_and_shows_no_dead_button(client: Client, db: None) -> None:
    page = client.get("/sign-in").text

    form = page[page.index("<form") : page.index("</form>")]
    assert "data-passkey" in form
    assert form[: form.index(">")].endswith(" hidden")
    assert page.index("Use a passkey") < page.index("Name</label>") < page.index("Use a recovery code")


def test_the_page_is_at_most_30_kb(client: Client, db: None) -> None:
    page = client.get("/sign-in", headers=GZIP)

    weight = wire(page)
    for name in files_of(gzip.decompress(page.content).decode()):
        found = finders.find(name)
        assert isinstance(found, str), name
        weight += len(gzip.compress(Path(found).read_bytes()))
    assert weight <= 30 * KB, weight
