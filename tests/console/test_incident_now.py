"""Opening and closing an incident on the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from incidents.models import AuditEntry, Incident
from tests.console.conftest import Shop, start_run

NOW = "/c/example-shop/incident"


@pytest.mark.parametrize("role", ["desk", "owner"])
def test_who_may_opens_and_closes_it(shop: Shop, desk: Client, owner: Client, role: str) -> None:
    browser = desk if role == "desk" else owner
    assert f'href="{NOW}">Open an incident</a>' in browser.get(shop.home).text
    assert "<h1>Open an incident</h1>" in browser.get(NOW).text

    answer = browser.post(NOW, {"verb": "declare", "because": "The shop is slow"}, follow=True)
    incident = Incident.objects.get()
    assert answer.redirect_chain == [(shop.home, 303)]
    assert f"Say incident <strong>{incident.reference}</strong>" in answer.text

    assert f"<h1>Close {incident.reference}</h1>" in browser.get(NOW).text
    browser.post(NOW, {"verb": "close", "because": "It is quick again"})
    incident.refresh_from_db()
    assert incident.closed_because == "It is quick again"


@pytest.mark.parametrize("role", ["operator", "viewer", "stranger", "nobody"])
def test_it_is_not_there_for_others(shop: Shop, role: str) -> None:
    browser = shop.clients[role]

    assert browser.get(NOW).status_code == 404
    assert browser.post(NOW, {"verb": "declare", "because": "x"}).status_code == 404
    assert not Incident.objects.exists()
    assert AuditEntry.objects.filter(event="access.denied").count() == 2
    assert f'"{NOW}"' not in shop.clients["operator"].get(shop.home).text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"verb": "declare", "because": " "}, "Write what is going on."),
        ({"verb": "declare", "because": "x" * 301}, "at most 300 letters"),
        ({"verb": "close", "because": "it is well"}, "No incident is open."),
        ({"because": ""}, "Write what is going on."),
    ],
)
def test_what_is_missing_is_said(shop: Shop, desk: Client, said: dict[str, str], words: str) -> None:
    page = desk.post(NOW, said)

    assert page.status_code == 422
    assert "<title>Error: " in page.text
    assert words in page.text
    assert not Incident.objects.exists()


def test_it_waits_for_the_run_that_is_under_way(shop: Shop, owner: Client) -> None:
    run = start_run(shop, shop.broken)

    page = owner.post(NOW, {"verb": "close", "because": "it is well"})

    assert page.status_code == 422
    assert f"{run.reference} is still under way." in page.text
    assert Incident.objects.get().closed_at is None
