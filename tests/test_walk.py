"""The way of one action in a real browser: two taps, live updates, phone width, and no complaint of the browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from incidents.models import Breaker, Freeze, Person
from incidents.services.freeze import Over, set_freeze
from tests.browser import Browser, chromium
from tests.consents import record_consent
from tests.lab_fixtures import need
from tests.processes import driver
from tests.scene import BROKEN, Scene

CHECK = "/desk/freeze/check?over=everyone&because=We+look+at+the+routers"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium-browser") is None:
        need("chromium")
    with chromium() as browser:
        yield browser


def sign_in(browser: Browser, server: LiveServer, scene: Scene, name: str = "shop-operator") -> None:
    """By a session of the test client, since typing a password is tested elsewhere."""
    client = Client()
    client.force_login(Person.objects.get(username=name))
    browser.open(f"{server.url}/sign-in")
    browser.call("Network.setCookie", name="session", value=client.cookies["session"].value, url=server.url)


def test_two_taps_restore_a_prefix_and_the_page_says_so_live(
    committed_scene: Scene, live_server: LiveServer, browser: Browser
) -> None:
    scene = committed_scene
    scene.break_()
    browser.violations.clear()
    browser.size(390)
    sign_in(browser, live_server, scene)
    browser.open(f"{live_server.url}/")
    assert browser.run("document.title").startswith("1 of the 11 things that we watch for you cannot be reached")
    lower_edge = browser.run("document.querySelector('main a[href*=actions]').getBoundingClientRect().bottom")
    assert lower_edge <= 844  # the main button is in view on a phone, without scrolling
    browser.click(f"Re-advertise {BROKEN}")
    assert "Nothing has changed yet." in browser.text()
    browser.click("now")
    assert browser.run("location.pathname").startswith("/runs/RUN-")
    with driver():
        browser.until(f"document.querySelector('h1').textContent.includes('{BROKEN} is reachable again')")
        browser.until("document.title.startsWith('Reachable again')")
    # It has ended, so it asks no more.
    assert browser.run("document.querySelectorAll('[hx-trigger]').length") == 0
    assert browser.violations == []


def fits(browser: Browser, path: str) -> None:
    """No sideways scroll at 320 px, and every target is large enough; a box to tick is hit by its label too."""
    assert browser.run("document.documentElement.scrollWidth") <= 320, f"{path} scrolls sideways"
    small = browser.run(
        "[...document.querySelectorAll('button, input:not([type=hidden], .tick input), select, .tick label, .button')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
    )
    assert small == [], f"{path} has targets that a thumb misses"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_of_the_desk_fits_a_narrow_phone(
    committed_scene: Scene, live_server: LiveServer, browser: Browser, dark: bool
) -> None:
    scene = committed_scene
    scene.break_()
    scene.break_("withdrawn_unbound")
    browser.violations.clear()
    browser.size(320, dark=dark)
    sign_in(browser, live_server, scene, "support-desk")
    desk = Person.objects.get(username="support-desk")
    before = (
        "/desk?q=203.0.113.7",
        "/c/example-shop",
        "/desk/c/example-shop/act",
        "/desk/queue",
        "/desk/freeze",
        CHECK,
    )
    for path in before:
        browser.open(f"{live_server.url}{path}")
        fits(browser, path)
    record_consent(desk, scene.organization)
    run = scene.start()
    Breaker.objects.create(
        action="revert_deploy", rescue=True, opened_at=run.accepted_at, because="5 of 6 runs did not work.", run=run
    )
    set_freeze(desk, Over(Freeze.Scope.ORGANIZATION, scene.organization), "We look at the routers")
    for path in ("/desk", "/c/example-shop", "/desk/c/example-shop", "/desk/freeze", "/c/example-shop/incident"):
        browser.open(f"{live_server.url}{path}")
        fits(browser, path)
    assert browser.violations == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_fits_a_narrow_phone(
    committed_scene: Scene, live_server: LiveServer, browser: Browser, dark: bool
) -> None:
    scene = committed_scene
    scene.break_()
    scene.break_("withdrawn_unbound")
    scene.break_("policy_blocks")
    run = scene.start()
    browser.violations.clear()
    browser.size(320, dark=dark)
    sign_in(browser, live_server, scene)
    resource, gate = scene.resource("198.51.100.0/24").pk, scene.resource("shop-gate").pk
    for path in (
        "/sign-in",
        "/c/example-shop",
        f"/c/example-shop/resources/{resource}",
        f"/c/example-shop/actions/readvertise_prefix?target={resource}",
        f"/c/example-shop/actions/roll_back_policy?target={gate}",
        "/c/example-shop/drift",
        "/c/example-shop/then?at=2026-02-20",
        "/c/example-shop/restore-to",
        "/c/example-shop/restore-to?when=yesterday",
        "/c/example-shop/actions/restore_to?select=everything",
        f"/runs/{run.reference}",
        "/nothing-here",
    ):
        browser.open(f"{live_server.url}{path}")
        fits(browser, path)
    assert [one for one in browser.violations if "404" not in one] == []


def test_losing_the_server_is_said(committed_scene: Scene, live_server: LiveServer, browser: Browser) -> None:
    """facts/ux.md: a dead link looks healthy by default; within 20 s the page says that what it shows is old."""
    scene = committed_scene
    scene.break_()
    browser.size(390)
    sign_in(browser, live_server, scene)
    browser.open(f"{live_server.url}/c/example-shop")
    assert "old information" not in browser.text()
    browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    try:
        browser.until("document.body.innerText.includes('You are seeing old information')", seconds=30)
    finally:
        browser.call(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
