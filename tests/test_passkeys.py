"""Passkeys in a real browser: adding one, signing in with one tap, and being asked again before what is serious."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from incidents.models import AuditEntry, Person
from tests import factories
from tests.browser import Browser, chromium
from tests.factories import PASSWORD
from tests.lab_fixtures import need
from tests.passkeys import add_authenticator, remove_authenticator

pytestmark = pytest.mark.usefixtures("required")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium") is None and shutil.which("chromium-browser") is None:
        need("chromium")
    with chromium() as browser:
        yield browser


@pytest.fixture
def required(settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"


@pytest.fixture
def person(committed: None) -> Person:
    factories.make_organization()
    return factories.make_person("shop-operator", "example-shop/operators")


@pytest.fixture
def enrolled(person: Person, live_server: LiveServer, browser: Browser) -> Iterator[LiveServer]:
    """The person has signed in by password, added a passkey, kept the recovery codes, and signed out again."""
    authenticator = add_authenticator(browser)
    browser.violations.clear()
    browser.size(390)
    browser.call("Network.clearBrowserCookies")
    browser.open(f"{live_server.url}/sign-in")
    browser.fill("username", "shop-operator")
    browser.fill("password", PASSWORD)
    browser.click("Sign in")
    assert browser.run("location.pathname") == "/me/first"
    browser.click("Add a passkey")
    browser.fill("name", "Phone")
    browser.click("Add a passkey")
    assert browser.run("location.pathname") == "/me/recovery-codes"
    browser.click("I have written them down")
    assert browser.run("location.pathname") == "/c/example-shop"
    browser.click("Sign out")
    yield live_server
    remove_authenticator(browser, authenticator)


def test_one_tap_signs_in_and_leads_to_where_they_wanted_to_be(enrolled: LiveServer, browser: Browser) -> None:
    browser.open(f"{enrolled.url}/c/example-shop/resources")
    assert browser.run("location.pathname") == "/sign-in"
    box = "document.querySelector('form[data-passkey] button').getBoundingClientRect()"
    # First, and as wide as the page.
    assert browser.run(f"{box}.bottom < document.querySelector('#id_username').getBoundingClientRect().top")
    assert browser.run(f"{box}.width") >= 350

    browser.click("Use a passkey")

    assert browser.run("location.pathname") == "/c/example-shop/resources"
    assert browser.violations == []
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None
    assert (
        list(AuditEntry.objects.filter(event="session.began").values_list("actor", flat=True)) == ["shop-operator"] * 2
    )


def test_a_passkey_does_for_the_second_step_and_for_confirming(enrolled: LiveServer, browser: Browser) -> None:
    browser.open(f"{enrolled.url}/sign-in")
    browser.fill("username", "shop-operator")
    browser.fill("password", PASSWORD)
    browser.click("Sign in")
    assert browser.run("location.pathname") == "/sign-in/code"
    browser.click("Use a passkey")
    assert browser.run("location.pathname") == "/c/example-shop"

    browser.open(f"{enrolled.url}/sign-in/again?next=/me")
    browser.click("Use a passkey")
    assert browser.run("location.pathname") == "/me"
    assert "Phone, added" in browser.text()
    assert AuditEntry.objects.filter(event="session.confirmed").count() == 1
    assert browser.violations == []


def test_while_passwords_are_sprayed_a_passkey_still_signs_in(enrolled: LiveServer, browser: Browser) -> None:
    """Five wrong passwords a minute for every name there is, from the very network of the operator."""
    factories.make_person("shop-viewer")
    attacker = Client()
    statuses = [
        attacker.post("/sign-in", {"username": name, "password": f"guess {number}"}).status_code
        for number in range(20)
        for name in ("shop-operator", "shop-viewer", "somebody")
    ]
    assert statuses.count(422) == 15
    assert statuses.count(429) == 45

    browser.open(f"{enrolled.url}/sign-in")
    browser.click("Use a passkey")
    assert browser.run("location.pathname") == "/c/example-shop"


def test_a_passkey_that_is_accepted_uses_no_try_up(enrolled: LiveServer, browser: Browser) -> None:
    """One wrong answer more, and the whole network of the operator would have to wait."""
    attacker = Client()
    statuses = {attacker.post("/sign-in/passkey", {"credential": "{}"}).status_code for _ in range(59)}
    assert statuses == {422}

    for again in range(2):
        browser.open(f"{enrolled.url}/sign-in")
        browser.click("Use a passkey")
        assert browser.run("location.pathname") == "/c/example-shop", again
        browser.open(f"{enrolled.url}/sign-in/again?next=/me")
        browser.click("Use a passkey")
        assert browser.run("location.pathname") == "/me", again
        browser.click("Sign out")

    assert attacker.post("/sign-in/passkey", {"credential": "{}"}).status_code == 422
    assert attacker.post("/sign-in/passkey", {"credential": "{}"}).status_code == 429


def test_a_passkey_that_is_not_used_is_said_and_loses_nothing(enrolled: LiveServer, browser: Browser) -> None:
    Authenticator.objects.filter(type="webauthn").delete()
    browser.open(f"{enrolled.url}/sign-in")

    browser.click("Use a passkey")

    assert "That passkey was not accepted. Try again, or use another way to sign in." in browser.text()
    assert browser.run("document.title").startswith("Error: ")


def test_an_answer_is_good_once(enrolled: LiveServer, browser: Browser) -> None:
    """Whoever has overheard one cannot say it again."""
    browser.open(f"{enrolled.url}/sign-in")
    browser.run(
        "window.said = null;"
        "HTMLFormElement.prototype.submit = function () { window.said = this.elements.credential.value; }"
    )
    browser.run("document.querySelector('form[data-passkey]').requestSubmit()")
    browser.until("window.said !== null")
    said = browser.run("window.said")
    session = next(one for one in browser.call("Network.getCookies")["cookies"] if one["name"] == "session")["value"]

    first, second, elsewhere = Client(), Client(), Client()
    first.cookies["session"] = second.cookies["session"] = session
    host = enrolled.url.removeprefix("http://")
    assert first.post("/sign-in/passkey", {"credential": said}, headers={"host": host}).status_code == 303
    assert second.post("/sign-in/passkey", {"credential": said}, headers={"host": host}).status_code == 422
    assert elsewhere.post("/sign-in/passkey", {"credential": said}, headers={"host": host}).status_code == 422


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_of_sign_in_fits_a_narrow_phone(enrolled: LiveServer, browser: Browser, dark: bool) -> None:
    browser.size(320, dark=dark)
    pages = ["/sign-in", "/me", "/me/first", "/me/passkeys/add", "/me/app/add", "/me/recovery-codes", "/me/password"]
    passkey = Authenticator.objects.get(type="webauthn").pk
    browser.open(f"{enrolled.url}/sign-in")
    for path in (*pages, "/sign-in/again", f"/me/factors/{passkey}/remove"):
        if path == "/me":
            browser.click("Use a passkey")
        browser.open(f"{enrolled.url}{path}")
        assert browser.run("location.pathname") == path
        assert browser.run("document.documentElement.scrollWidth") <= 320, f"{path} scrolls sideways"
        small = browser.run(
            "[...document.querySelectorAll('button, input:not([type=hidden]), .button')]"
            ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
        )
        assert small == [], f"{path} has targets that a thumb misses"
    assert browser.violations == []
