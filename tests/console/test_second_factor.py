"""Signing in with a password and a second factor, and adding the first one."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils.html import escape
from pytest_django import Settings

from incidents.models import AuditEntry, Person
from incidents.selectors.factors import read_factors
from incidents.services import factors
from tests.codes import code_of, settle
from tests.console.conftest import Shop, note_shown
from tests.console.test_walk import fields
from tests.factories import PASSWORD

GOOD = {"username": "shop-operator", "password": PASSWORD}


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"


def enrol(person: Person) -> str:
    """Adds an app whose code of now is unused, and recovery codes that nobody is shown again. Gives the secret."""
    settle()
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    factors.add_totp(person, secret, code_of(secret, -1))
    factors.renew_recovery_codes(person)
    return secret


def events() -> list[str]:
    return list(AuditEntry.objects.values_list("event", flat=True))


def test_a_password_alone_opens_nothing_for_whoever_has_a_factor(shop: Shop, client: Client) -> None:
    enrol(shop.operator)

    answer = client.post("/sign-in", {**GOOD, "next": shop.home})

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/code")
    assert client.get(shop.home).status_code == 302
    assert "session.began" not in events()


def test_the_code_leads_to_where_they_wanted_to_be(shop: Shop, client: Client) -> None:
    secret = enrol(shop.operator)
    client.post("/sign-in", {**GOOD, "next": shop.home})

    answer = client.post("/sign-in/code", {"code": code_of(secret)})

    assert (answer.status_code, answer["Location"]) == (303, shop.home)
    assert client.get(shop.home).status_code == 200
    [entry] = AuditEntry.objects.filter(event="session.began")
    assert json.loads(bytes(entry.body))["data"]["with"] == ["password", "totp"]


def test_a_recovery_code_does_as_well(shop: Shop, client: Client) -> None:
    enrol(shop.operator)
    code = read_factors(shop.operator).codes[0]
    client.post("/sign-in", GOOD)

    assert client.post("/sign-in/code", {"code": code})["Location"] == "/"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"code": "000000"}, "That code does not fit, or was used before."),
        ({"code": ""}, "Write the code."),
        ({}, "Write the code."),
        ({"credential": "{}"}, "That passkey was not accepted."),
        ({"credential": "[1]"}, "That passkey was not accepted."),
        ({"credential": '{"id": 1, "rawId": "!", "type": "public-key", "response": "x"}'}, "That passkey was not"),
        ({"credential": '{"response": {"userHandle": null}}'}, "That passkey was not accepted."),
        ({"credential": "x" * 100_000}, "That passkey was not accepted."),
    ],
)
def test_it_says_what_is_wrong(shop: Shop, client: Client, given: dict[str, str], words: str) -> None:
    enrol(shop.operator)
    client.post("/sign-in", GOOD)

    answer = client.post("/sign-in/code", given)

    assert answer.status_code == 422
    assert "<title>Error: One more step to sign in</title>" in answer.text
    assert f'<a href="#code">{words}' in answer.text
    assert client.get(shop.home).status_code == 302


def test_too_many_guesses_are_told_how_long_to_wait_and_what_else_works(shop: Shop, client: Client) -> None:
    enrol(shop.operator)
    client.post("/sign-in", GOOD)
    for _ in range(5):
        client.post("/sign-in/code", {"code": "000000"})

    answer = client.post("/sign-in/code", {"code": "000000"})

    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert "Too many tries. Wait 5 minutes." in answer.text
    assert "Use a passkey, which is not held up by this, or call" in answer.text


def test_whoever_has_left_meanwhile_does_not_finish(shop: Shop, client: Client) -> None:
    secret = enrol(shop.operator)
    client.post("/sign-in", GOOD)
    Person.objects.filter(pk=shop.operator.pk).update(is_active=False)

    assert client.post("/sign-in/code", {"code": code_of(secret)})["Location"] == "/sign-in"
    assert "session.began" not in events()


def test_the_second_step_without_the_first_leads_to_the_first(shop: Shop, client: Client) -> None:
    assert client.get("/sign-in/code")["Location"] == "/sign-in"
    assert client.post("/sign-in/code", {"code": "123456"})["Location"] == "/sign-in"
    assert client.get("/sign-in/code/passkey").status_code == 422


def test_whoever_has_no_factor_reaches_only_the_page_that_adds_one(shop: Shop, client: Client) -> None:
    client.post("/sign-in", {**GOOD, "next": shop.home})

    for address in (shop.home, shop.preview(), "/", "/me"):
        assert client.get(address)["Location"] == "/me/first", address
    assert client.post(shop.preview(), {"digest": "x"})["Location"] == "/me/first"
    assert client.get(f"{shop.home}/summary", headers={"HX-Request": "true"}).status_code == 401
    assert client.get("/nothing-here").status_code == 404
    assert "Add a second way to show who you are" in client.get("/me/first").text
    assert client.post("/sign-out").status_code == 303


def test_adding_an_app_opens_everything_and_gives_recovery_codes_once(shop: Shop, client: Client) -> None:
    client.post("/sign-in", GOOD)
    page = client.get("/me/app/add").text
    [shown] = re.findall(r"<code>([A-Z2-7 ]+)</code>", page)
    secret = shown.replace(" ", "")
    assert f"secret={secret}" in page
    assert page.count("<svg") == 1

    settle()
    form = fields(page)
    assert secret not in form["sealed"]
    added = client.post("/me/app/add", {**form, "code": code_of(secret, -1)})

    assert added["Location"] == "/me/recovery-codes"
    codes = re.findall(r"<li><code>(\d{5}) (\d{5})</code>", client.get("/me/recovery-codes").text)
    assert len(codes) == 10
    assert client.post("/me/recovery-codes", {"do": "seen"})["Location"] == "/"
    assert "".join(codes[0]) not in client.get("/me/recovery-codes").text.replace(" ", "")
    assert client.get(shop.home).status_code == 200


def test_a_wrong_code_of_the_set_up_keeps_the_same_secret(shop: Shop, client: Client) -> None:
    client.post("/sign-in", GOOD)
    form = fields(client.get("/me/app/add").text)

    answer = client.post("/me/app/add", {**form, "code": "000000"})

    assert answer.status_code == 422
    assert "clock of the phone" in answer.text
    assert fields(answer.text)["sealed"] == form["sealed"]


@pytest.mark.parametrize("sealed", ["", "x", "another person's"])
def test_a_secret_that_is_not_ours_is_made_anew(shop: Shop, client: Client, sealed: str) -> None:
    if sealed.startswith("another"):
        other = Client()
        other.post("/sign-in", {"username": "shop-viewer", "password": PASSWORD})
        sealed = fields(other.get("/me/app/add").text)["sealed"]
    client.post("/sign-in", GOOD)

    answer = client.post("/me/app/add", {"sealed": sealed, "code": "123456"})

    assert answer.status_code == 422
    assert "That page was too old." in answer.text
    assert not Authenticator.objects.exists()


def test_changes_ask_first_who_it_is(shop: Shop, operator: Client) -> None:
    enrol(shop.operator)
    row = Authenticator.objects.get(type="totp")
    # Signed in with the app, but long ago.
    note_shown(operator, shop.operator, "mfa", 301)

    for address in (
        "/me/passkeys/add", "/me/passkeys/options", "/me/app/add", "/me/recovery-codes",
        f"/me/factors/{row.pk}/remove", "/me/password",
    ):  # fmt: skip
        assert operator.get(address)["Location"] == f"/sign-in/again?next={escape(address).replace('/', '%2F')}"
    assert operator.post(f"/me/factors/{row.pk}/remove").status_code == 303
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_a_password_does_not_confirm_whoever_has_more(shop: Shop, operator: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR = "optional"
    note_shown(operator, shop.operator, "password")
    assert operator.get("/me/password").status_code == 200

    enrol(shop.operator)

    assert operator.get("/me/password")["Location"].startswith("/sign-in/again?")
    assert operator.post("/sign-in/again", {"password": PASSWORD}).status_code == 422
    assert 'name="password"' not in operator.get("/sign-in/again").text


def test_the_last_factor_stays_and_the_page_says_why(shop: Shop, operator: Client) -> None:
    enrol(shop.operator)
    row = Authenticator.objects.get(type="totp")
    note_shown(operator, shop.operator, "mfa")
    assert "<h1>Remove Authenticator app</h1>" in operator.get(f"/me/factors/{row.pk}/remove").text

    answer = operator.post(f"/me/factors/{row.pk}/remove")

    assert answer.status_code == 422
    assert "This is your last way to show who you are" in answer.text


def test_nobody_sees_or_removes_what_is_another_persons(shop: Shop, operator: Client) -> None:
    enrol(shop.viewer)
    row = Authenticator.objects.get(type="totp")
    note_shown(operator, shop.operator, "mfa")

    assert operator.get(f"/me/factors/{row.pk}/remove").status_code == 404
    assert operator.post(f"/me/factors/{row.pk}/remove").status_code == 404
    assert "Authenticator app</strong>" not in operator.get("/me").text


def test_nothing_else_of_the_library_has_an_address(client: Client) -> None:
    for name in ("signup", "login", "email", "password/reset", "accounts/signup", "accounts/login", "2fa", "social"):
        assert client.get(f"/{name}").status_code == 404
        assert client.get(f"/{name}/").status_code == 404
