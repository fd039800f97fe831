"""Colours that a person has chosen, less motion, and paper; and the first view over a slow link."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.pages.house import Stage
from tests.pages.test_every_page import LOOKS

PLACES = ("/sign-in", "/c/example-shop", "preview", "run", "ended", "incident")
# The incident of the stage is a large one: six things broken, six runs, fifty lines.
MOST_SHEETS = {"ended": 2, "incident": 4}


def place(stage: Stage, name: str) -> str:
    ids = stage.ids
    return {
        "preview": f"/c/example-shop/actions/readvertise_prefix?target={ids['resource_id']}",
        "run": f"/runs/{ids['paused']}",
        "ended": f"/runs/{ids['ended']}",
        "incident": f"/incidents/{ids['incident']}",
    }.get(name, name)


def emulate(browser: Browser, media: str = "", **features: str) -> None:
    given = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.call("Emulation.setEmulatedMedia", media=media, features=given)


def visit(stage: Stage, browser: Browser, name: str) -> None:
    browser.size(390)
    stage.enter(browser, "" if name == "/sign-in" else "shop-operator")
    browser.open(stage.url + place(stage, name))
    browser.run(LOOKS)


@pytest.mark.parametrize("name", PLACES)
def test_it_can_be_used_in_colours_of_ones_own_and_does_not_move(stage: Stage, browser: Browser, name: str) -> None:
    visit(stage, browser, name)
    emulate(browser, forced_colors="active", prefers_reduced_motion="reduce")
    assert browser.run("matchMedia('(forced-colors: active)').matches")
    assert browser.run("matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert browser.run("looks.flat()") == []
    assert browser.run("looks.moving()") == []
    for _ in range(browser.run("looks.controls()")):
        browser.press("Tab")
        found = browser.run("looks.focus()")
        assert found is None or not found["wrong"], found


@pytest.mark.parametrize("name", ["ended", "incident"])
def test_a_record_on_paper_is_black_on_white_and_short(
    stage: Stage, browser: Browser, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    visit(stage, browser, name)
    # Even where the screen is dark.
    emulate(browser, media="print", prefers_color_scheme="dark")
    style = "getComputedStyle(document.documentElement)"
    assert browser.run(f"[{style}.color, {style}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    seen = "[...document.querySelectorAll('button, .button, form, footer')].filter(one => one.checkVisibility())"
    assert browser.run(f"{seen}.map(one => one.outerHTML.slice(0, 80))") == []
    reference = stage.ids[name]
    assert reference in browser.text()
    links = "[...document.querySelectorAll('main a[href^=\"/\"]')].filter(one => one.checkVisibility())"
    printed = "one => getComputedStyle(one, '::after').content.includes(one.getAttribute('href'))"
    assert browser.run(f"{links}.every({printed})")
    sheet = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    count = len(re.findall(rb"/Type\s*/Page\b", sheet))
    with capfd.disabled():
        print(f"\non A4: {name}, {count} sheets")
    assert 1 <= count <= MOST_SHEETS[name]
    emulate(browser)


def test_over_a_slow_link(stage: Stage, browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    """Prints when the first words stand there, at 400 kbit/s and 400 ms there and back; asserts what they are."""
    browser.size(390)
    stage.enter(browser, "shop-operator")
    browser.open(f"{stage.url}/livez")
    browser.call("Network.setCacheDisabled", cacheDisabled=True)
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    browser.call("Network.emulateNetworkConditions", **slow)
    try:
        browser.open(f"{stage.url}/c/example-shop")
        browser.until("performance.getEntriesByName('first-contentful-paint').length === 1")
        paint = browser.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        first = browser.run("performance.getEntriesByType('navigation')[0].responseStart")
    finally:
        plain = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.call("Network.emulateNetworkConditions", **plain)
        browser.call("Network.setCacheDisabled", cacheDisabled=False)
    with capfd.disabled():
        print(f"\nover a slow link: first words after {paint / 1000:.2f} s, first byte after {first / 1000:.2f} s")
    assert paint >= 400, "the link was not slow"
    assert "cannot be reached" in browser.run("document.querySelector('h1').textContent")
