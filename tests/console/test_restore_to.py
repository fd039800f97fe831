"""The page and the command by which everything goes back."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from console.forms import read_moment
from incidents.domain.runs import Outcome
from incidents.models import Approval, Diagnosis, Preapproval, Run
from tests import factories
from tests.console.test_walk import fields
from tests.engine.test_restore_to import allow, break_everything
from tests.scene import EDGES, Scene

PAGE = "/c/example-shop/restore-to"
PREVIEW = "/c/example-shop/actions/restore_to"


@pytest.fixture
def worst(scene: Scene) -> Scene:
    allow(scene)
    break_everything(scene)
    return scene


@pytest.fixture
def browser(worst: Scene) -> Client:
    client = Client()
    client.force_login(worst.operator)
    return client


def test_from_the_home_page_to_everything_back(worst: Scene, browser: Client) -> None:
    home = browser.get("/c/example-shop").text
    assert f'<a class="button quiet" href="{PAGE}">Put everything back as it was</a>' in home
    page = browser.get(PAGE).text
    assert "To when each thing last worked" in page
    assert "To just before this began, on " in page
    assert '<option value="edge-a">Amsterdam only</option>' in page

    answer = browser.get(PAGE, {"when": "last", "location": ""}, follow=True)
    assert answer.redirect_chain == [(f"{PREVIEW}?select=everything", 303)]
    assert "Check before you put everything back for 4 things" in answer.text
    assert "First policies and keys, then programs and traffic" in answer.text
    started = browser.post(f"{PREVIEW}?select=everything", fields(answer.text))
    run = worst.carry_on(Run.objects.get(), seconds=60)
    assert started["Location"] == f"/runs/{run.reference}"
    assert (run.outcome, worst.visible()) == (Outcome.SUCCEEDED, list(EDGES))
    ended = browser.get(started["Location"]).text
    assert "as they were when they last worked" in ended
    assert "Send the change of services to Amsterdam" in ended
    # What is so now; the picture above it also tells how it was.
    assert "Not reachable" not in ended[ended.index("<h2>Each location</h2>") :]
    assert "Put everything back as it was" not in browser.get("/c/example-shop").text


def test_the_choice_is_taken_along(worst: Scene, browser: Client) -> None:
    page = browser.get(PAGE).text
    [before] = re.findall(r'id="before" name="when" value="([^"]+)"', page)
    began = Diagnosis.objects.filter(until=None).exclude(damage="healthy").earliest("since").since
    assert before == (began - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = browser.get(PAGE, {"when": before, "location": "edge-b"})
    assert answer["Location"] == f"{PREVIEW}?select=everything&at={quote(before)}&location=edge-b"
    answer = browser.get(PAGE, {"when": "at", "at": "2026-02-20 17:45"})
    assert answer["Location"] == f"{PREVIEW}?select=everything&at=2026-02-20T17%3A45%3A00Z"
    refused = browser.get(answer["Location"])
    assert refused.status_code == 422
    assert "Nothing is known to have worked by that moment." in refused.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"when": "sometime"}, "Choose to which moment everything shall go back."),
        ({"when": "at"}, "Write the day and the time in UTC"),
        ({"when": "at", "at": "yesterday"}, "Write the day and the time in UTC"),
        ({"when": "at", "at": "2999-01-01 00:00"}, "That moment is still to come."),
        ({"when": "last", "location": "edge-z"}, "Choose one of the places."),
    ],
)
def test_what_cannot_be_meant_is_said(browser: Client, asked: dict[str, str], words: str) -> None:
    answer = browser.get(PAGE, asked)
    assert answer.status_code == 422
    assert words in answer.text


def test_an_address_that_was_written_by_hand_never_means_another_moment(browser: Client) -> None:
    answer = browser.get(PREVIEW, {"select": "everything", "at": "soon"})
    assert answer.status_code == 422
    assert "Write the day and the time in UTC" in answer.text
    assert browser.get(PREVIEW).status_code == 422
    for location in ("nowhere", "x" * 60):
        refused = browser.get(PREVIEW, {"select": "everything", "location": location})
        assert refused.status_code == 422
        assert "There is no such location" in refused.text
    assert browser.get(PREVIEW, {"select": "all"}).status_code == 422


def test_without_a_preapproval_there_is_nothing_to_press(scene: Scene) -> None:
    break_everything(scene)
    Preapproval.objects.filter(action="restore_to").delete()
    client = Client()
    client.force_login(scene.operator)
    assert "Put everything back" not in client.get("/c/example-shop").text
    assert "Nobody has approved this beforehand" in client.get(PAGE).text
    assert client.get(PREVIEW, {"select": "everything"}).status_code == 422


def test_moments() -> None:
    utc = read_moment("2026-02-20T18:45+01:00")
    assert utc is not None
    assert utc.isoformat() == "2026-02-20T17:45:00+00:00"
    assert read_moment("2026-02-20 17:45 UTC") == utc
    for text in ("", "now", "2026-02-30", "9999-12-31T23:59-23:00", "20:15"):
        assert read_moment(text) is None


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("restore_to", "--organization", "example-shop", "--as", "shop-operator", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_first_and_changes_nothing(worst: Scene) -> None:
    said = command()
    assert "203.0.113.0/24  Amsterdam: not advertised -> advertised" in said
    assert said.endswith("Nothing has changed yet. Add --yes to start it.\n")
    assert (Run.objects.count(), worst.visible()) == (0, [])


def test_the_command_puts_everything_back_and_the_same_again_does_nothing(worst: Scene) -> None:
    said = command("--yes", "--reason", "the worst day")
    run = Run.objects.get()
    assert f"{run.reference}: everything is as it was, and proven from outside, after " in said
    assert (run.outcome, run.reason, worst.visible()) == (Outcome.SUCCEEDED, "the worst day", list(EDGES))
    again = command("--yes", "--reason", "once more")
    assert "There is nothing to do." in again
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--yes",), "Write with --reason why."),
        (("--location", "edge-z"), "There is no location edge-z."),
        (("--at", "yesterday"), "Write the day and the time in UTC"),
        (("--at", "2026-02-20 17:45"), "Nothing is known to have worked by that moment."),
        (("--at", (timezone.now() + timedelta(days=1)).isoformat()), "That moment is still to come."),
        (("--organization", "nobody"), "There is no organization nobody."),
        (("--as", "nobody"), "There is no person nobody."),
        (("--as", "shop-viewer"), "Nothing was chosen."),
    ],
)
def test_the_command_refuses_in_words(worst: Scene, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        command(*arguments)
    assert not Run.objects.exists()


def test_the_command_asks_for_a_second_person_where_it_takes_one(worst: Scene) -> None:
    row = Preapproval.objects.get(action="restore_to")
    factories.agree_on(row, {**row.terms, "tier": 3})
    with pytest.raises(SystemExit) as ended:
        command("--yes", "--reason", "the worst day")
    assert ended.value.code == 3
    assert (Approval.objects.get().state, Run.objects.count()) == ("waiting", 0)
