"""Where an invitation leads: one field, one use, and one page for every link that does not work."""

from __future__ import annotations

import json
import re

import pytest
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from incidents.models import AuditEntry, Invitation, Person
from incidents.services.invitations import Invited, invite, withdraw
from tests import factories
from tests.console.conftest import Shop
from tests.console.test_walk import fields

PASSWORD = "a long walk by the sea"


@pytest.fixture
def ada(shop: Shop) -> Person:
    return factories.make_person("shop-owner", "example-shop/owners", title="Ada")


@pytest.fixture
def made(shop: Shop, ada: Person) -> Invited:
    return invite(ada, shop.organization, name="newcomer", title="the night shift", role="operators")


def address(made: Invited) -> str:
    return f"/welcome/{made.token}"


def test_it_says_who_invites_to_what_and_what_a_password_needs(made: Invited) -> None:
    page = Client().get(address(made))

    assert page.status_code == 200
    assert "<h1>Your invitation to Example Shop</h1>" in page.text
    assert "Ada has invited you to Example Shop." in page.text
    assert "Operator. Sees everything, and starts, stops and undoes" in page.text
    assert "at least 15 characters" in page.text
    assert 'value="newcomer" autocomplete="username"' in page.text
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"


def test_accepting_it_signs_in_and_leads_home(shop: Shop, made: Invited) -> None:
    browser = Client(enforce_csrf_checks=True)
    form = fields(browser.get(address(made)).text) | {"password": PASSWORD}

    answer = browser.post(address(made), form, follow=True)

    assert answer.redirect_chain == [("/", 303), (shop.home, 302)]
    assert "1 of your 3 prefixes cannot be reached" in answer.text
    assert Person.objects.get(username="newcomer").last_login is not None
    again = Client().post("/sign-in", {"username": "newcomer", "password": PASSWORD})
    assert again.status_code == 303


def test_the_session_is_in_the_audit_log_and_the_password_counts_as_shown(made: Invited, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    browser = Client()

    answer = browser.post(address(made), {"password": PASSWORD}, follow=True)

    assert answer.redirect_chain == [("/", 303), ("/me/first", 303)]
    [entry] = AuditEntry.objects.filter(event="session.began", actor="newcomer")
    assert json.loads(bytes(entry.body))["data"] == {"with": ["password"], "network": "127.0.0.0/24"}
    assert browser.get("/me/passkeys/add").status_code == 200, "not asked for the password again"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "Choose a password."),
        ("short", "too short"),
        ("1q2w3e4r5t6y7u8i9o0p", "too common"),
        ("x" * 1001, "at most 1,000"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_still_works(made: Invited, password: str, words: str) -> None:
    answer = Client().post(address(made), {"password": password})

    assert answer.status_code == 422
    assert words in answer.text
    assert not Person.objects.get(username="newcomer").is_active
    assert Client().post(address(made), {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_link_that_does_not_work_has_the_same_page(shop: Shop, ada: Person, method: str) -> None:
    def link(name: str) -> Invited:
        return invite(ada, shop.organization, name=name, title=name, role="viewers")

    used, withdrawn, expired = link("used"), link("withdrawn"), link("expired")
    Client().post(address(used), {"password": PASSWORD})
    withdraw(ada, shop.organization, withdrawn.invitation.pk)
    Invitation.objects.filter(pk=expired.invitation.pk).update(expires_at=F("invited_at"))

    pages = set()
    for token in (used.token, withdrawn.token, expired.token, "made-up", "x" * 500):
        answer = getattr(Client(), method)(f"/welcome/{token}", {"password": PASSWORD} if method == "post" else {})
        assert answer.status_code == 404
        pages.add(re.sub(r'value="[^"]+"', "", answer.text))
    [page] = pages
    assert "<h1>This link does not work any more</h1>" in page
    assert "Ask the person who sent it for a new one." in page


def test_a_link_that_dies_between_page_and_post_has_that_page_too(ada: Person, made: Invited) -> None:
    Person.objects.filter(pk=ada.pk).update(is_active=False)

    answer = Client().post(address(made), {"password": PASSWORD})

    assert answer.status_code == 404
    assert "This link does not work any more" in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_signed_in_stays_who_they_are(operator: Client, made: Invited, method: str) -> None:
    answer = getattr(operator, method)(address(made), {"password": PASSWORD} if method == "post" else {})

    assert "You are signed in as Robin of Example Shop." in answer.text
    assert 'type="password"' not in answer.text
    assert not Person.objects.get(username="newcomer").is_active
    assert Invitation.objects.get().used_at is None
