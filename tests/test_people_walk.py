"""The people page and an invitation in a real browser: by links and forms, on a narrow phone, by day and by night."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from incidents.models import Person
from tests.browser import Browser, chromium
from tests.lab_fixtures import need
from tests.scene import Scene

PAGE = "/c/example-shop/people"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium-browser") is None:
        need("chromium")
    with chromium() as browser:
        yield browser


def sign_in(browser: Browser, server: LiveServer, name: str) -> None:
    client = Client()
    client.force_login(Person.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    browser.open(f"{server.url}/sign-in")
    browser.call("Network.setCookie", name="session", value=client.cookies["session"].value, url=server.url)


def must_fit(browser: Browser, width: int) -> None:
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= width
    small = browser.run(
        "[...document.querySelectorAll('button, select, summary, input:not([type=hidden]), .button')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
    )
    assert small == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390])
def test_an_owner_invites_and_the_link_lets_somebody_in(
    committed_scene: Scene, live_server: LiveServer, browser: Browser, width: int, dark: bool
) -> None:
    browser.violations.clear()
    browser.size(width, dark=dark)
    sign_in(browser, live_server, "shop-owner")
    browser.open(f"{live_server.url}/c/example-shop")
    browser.click("People of Example Shop")
    must_fit(browser, width)

    browser.fill("name", "shop-night-shift")
    browser.fill("title", "the night shift of Example Shop")
    browser.run("document.querySelector('form[action$=invite] select').value = 'operators'")
    browser.click("Make an invitation")
    assert browser.run("location.pathname") == PAGE
    must_fit(browser, width)
    link = browser.run("document.querySelector('#address').value")
    browser.open(f"{live_server.url}{PAGE}")
    assert "The link for" not in browser.text()

    browser.open(link)
    assert "You are signed in as an owner of Example Shop" in browser.text()
    must_fit(browser, width)
    browser.click("Sign out")
    browser.open(link)
    must_fit(browser, width)
    browser.fill("password", "a long walk by the sea")
    browser.click("Accept the invitation")
    assert browser.run("location.pathname") == "/c/example-shop"
    browser.open(link)
    assert "This link does not work any more" in browser.text()
    must_fit(browser, width)

    sign_in(browser, live_server, "shop-owner")
    browser.open(f"{live_server.url}{PAGE}")
    browser.click("Remove the night shift of Example Shop")
    assert "Give the night shift of Example Shop a role again" in browser.text()
    must_fit(browser, width)
    assert [one for one in browser.violations if "404" not in one] == []
