"""Whole ways through the console by keyboard alone, without JavaScript, and past the loss of the server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.browser import Browser
from tests.pages.house import Stage

STALE = "getComputedStyle(document.querySelector('.stale')).display !== 'none'"
ENDED = "document.querySelector('.ended') !== null"
# From the home page to a started run (docs/goals.md, 19), where nothing else has to be read first.
MOST_KEYS = 12
MOST_TABS = 60
NEWS = ".notice a, .notice button"


@pytest.fixture(autouse=True)
def fresh(stage: Stage, browser: Browser) -> Iterator[None]:
    """Nothing is broken, nobody is signed in, and scripts run again afterwards."""
    stage.break_("heal")
    browser.size(390)
    browser.call("Network.clearBrowserCookies")
    browser.violations.clear()
    yield
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def heading(browser: Browser) -> str:
    found: str = browser.run("document.querySelector('h1').textContent.replace(/\\s+/g, ' ').trim()")
    return found


class Keyboard:
    """Somebody who has no pointer. Counts the keys."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.keys = browser, 0

    def press(self, key: str) -> None:
        self.keys += 1
        self.browser.press(key)

    def reach(self, words: str) -> None:
        """By Tab to what says this, or is named so."""
        for _ in range(MOST_TABS):
            self.press("Tab")
            said = self.browser.run("`${document.activeElement.textContent} ${document.activeElement.name ?? ''}`")
            if words in " ".join(said.split()):
                return
        raise AssertionError(f"the Tab key does not reach {words!r}")

    def skip(self) -> None:
        """Past the head of the page, by the link that is first on each."""
        self.press("Tab")
        self.press("Enter")

    def choose(self, words: str, key: str) -> None:
        """Reaches it, presses it, and waits for the page that follows."""
        self.reach(words)
        self.browser.run("document.documentElement.dataset.left = '1'")
        self.press(key)
        self.browser.until("!document.documentElement.dataset.left && document.readyState === 'complete'")


def test_by_keyboard_from_sign_in_to_undone(stage: Stage, browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    stage.break_("withdrawn")
    hands = Keyboard(browser)
    browser.open(f"{stage.url}/sign-in")
    hands.reach("username")
    browser.write("shop-operator")
    hands.reach("password")
    browser.write(stage.password)
    hands.choose("Sign in", "Enter")
    assert browser.run("location.pathname") == "/c/example-shop", browser.text()

    hands.keys = 0
    hands.skip()
    notices = browser.run(f"[...document.querySelectorAll({NEWS!r})].filter(one => one.checkVisibility()).length")
    hands.choose("Re-advertise 203.0.113.0/24", "Enter")
    assert "Nothing has changed yet." in browser.text()
    hands.skip()
    hands.choose("Re-advertise 203.0.113.0/24 now", " ")
    assert browser.run("location.pathname").startswith("/runs/RUN-")
    keys = hands.keys
    with stage.driven():
        browser.until(ENDED, 60)
        assert heading(browser) == "203.0.113.0/24 is reachable again"
        hands.choose("Undo", "Enter")
        assert "Nothing has changed yet." in browser.text()
        hands.choose("now", "Enter")
        browser.until(ENDED, 60)
    assert stage.visible()["203.0.113.0/24"] == []
    with capfd.disabled():
        print(f"\nkeys from the home page to a started run: {keys}, past {notices} links and buttons of notices")
    assert keys <= MOST_KEYS + notices
    assert browser.violations == []


def test_without_javascript_from_sign_in_to_undone(stage: Stage, browser: Browser) -> None:
    stage.break_("one_location")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{stage.url}/sign-in")
    assert browser.run("document.documentElement.classList.contains('js')") is False, "scripts do run"
    browser.fill("username", "shop-operator")
    browser.fill("password", stage.password)
    browser.click("Sign in")
    assert browser.run("location.pathname") == "/c/example-shop", browser.text()
    browser.click("Re-advertise 192.0.2.0/24")
    assert "Nothing has changed yet." in browser.text()
    browser.click("now")
    with stage.driven():
        check_until_ended(browser)
        assert heading(browser) == "192.0.2.0/24 is reachable again"
        browser.click("Undo")
        assert "Nothing has changed yet." in browser.text()
        browser.click("now")
        check_until_ended(browser)
    assert stage.visible()["192.0.2.0/24"] == ["edge-a", "edge-c"]
    assert browser.violations == []


def check_until_ended(browser: Browser) -> None:
    """What a page without scripts offers instead of updating itself."""
    end = time.monotonic() + 60
    while not browser.run(ENDED):
        assert time.monotonic() < end, browser.text()
        browser.click("Check again")


@pytest.mark.parametrize("page", ["home", "run"])
def test_losing_the_server_is_said_and_taken_back(stage: Stage, browser: Browser, page: str) -> None:
    stage.break_("withdrawn")
    stage.enter(browser, "shop-operator")
    path = "/c/example-shop" if page == "home" else f"/runs/{stage.ids['paused']}"
    browser.open(stage.url + path)
    assert browser.run(STALE) is False
    shown = browser.run("document.querySelector('h1').textContent")
    stage.lose()
    try:
        browser.until(STALE, 20)
        assert browser.run("document.querySelector('h1').textContent") == shown, "what was known stays"
    finally:
        stage.open_house()
    browser.until(f"!({STALE})", 20)


def test_a_change_is_announced_once_and_no_change_never(stage: Stage, browser: Browser) -> None:
    stage.enter(browser, "shop-operator")
    browser.open(f"{stage.url}/c/example-shop")
    browser.run(
        "window.announced = []; window.asked = 0;"
        "new MutationObserver(() => { const said = document.querySelector('#announce').textContent.trim();"
        " if (said) announced.push(said); })"
        ".observe(document.querySelector('#announce'), {childList: true, characterData: true, subtree: true});"
        "document.addEventListener('htmx:afterRequest', () => { asked += 1; })"
    )
    ask_again(browser, 3)
    assert browser.run("announced") == []
    stage.break_("withdrawn")
    ask_again(browser, 3)
    said = browser.run("announced")
    assert len(said) == 1, said


def ask_again(browser: Browser, times: int) -> None:
    """The page asks what is new, so many times, as it does by itself every few seconds."""
    for _ in range(times):
        asked = browser.run("asked")
        browser.run("document.querySelectorAll('[hx-get]').forEach(one => htmx.trigger(one, 'refresh'))")
        browser.until(f"asked > {asked}", 20)
