"""What was running where at a chosen moment, on a page."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from incidents.engine.poller import poll_once
from incidents.models.clock import database_now
from tests.scene import Scene

PAGE = "/c/example-shop/then"


@pytest.fixture
def browser(scene: Scene) -> Client:
    client = Client()
    client.force_login(scene.viewer)
    return client


def test_it_tells_what_was_and_not_what_is(scene: Scene, browser: Client) -> None:
    before = database_now()
    time.sleep(0.002)
    scene.break_()
    after = database_now()
    assert "<strong>advertised" in part(browser, before.isoformat())
    assert "<strong>not advertised</strong>" in part(browser, after.isoformat())
    assert "Not seen by then" in part(browser, "2026-02-20 17:45")


def part(browser: Client, moment: str) -> str:
    """What the page says of one prefix."""
    things = browser.get(PAGE, {"at": moment}).text.split("<h2>")
    [one] = [thing for thing in things if thing.startswith('<span class="address">203.0.113.0')]
    return one


def test_from_the_page_of_drift(browser: Client) -> None:
    assert f'href="{PAGE}"' in browser.get("/c/example-shop/drift").text
    assert "What was running where" in browser.get(PAGE).text


def test_a_backend_that_did_not_answer_is_said(scene: Scene, browser: Client) -> None:
    scene.mode("edge-a", "refuse")
    poll_once()
    assert "Its control system did not answer at that moment" in part(browser, database_now().isoformat())
    scene.mode("edge-a", "ok")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("", "Write the day and the time in UTC"),
        ("yesterday", "Write the day and the time in UTC"),
        ("9" * 50, "Write the day and the time in UTC"),
        ("2999-01-01 00:00", "That moment is still to come."),
    ],
)
def test_what_is_no_moment_is_said(browser: Client, moment: str, words: str) -> None:
    answer = browser.get(PAGE, {"at": moment})
    assert answer.status_code == 422
    assert words in answer.text
