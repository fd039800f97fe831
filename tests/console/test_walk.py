"""A person without JavaScript, from signing in to the end of a run: links and forms only."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from incidents.models import Run
from tests.console.conftest import Shop
from tests.factories import PASSWORD


def fields(html: str) -> dict[str, str]:
    """Name -> value of the inputs of the last form of a page."""
    form = html[html.rindex("<form") :]
    pairs = re.findall(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', form)
    return dict(pairs)


@pytest.mark.usefixtures("still_world")
def test_it_leads_from_sign_in_to_a_started_run_in_two_taps(shop: Shop) -> None:
    browser = Client(enforce_csrf_checks=True)

    page = browser.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/sign-in?next=/"
    form = fields(page.text) | {"username": "shop-operator", "password": PASSWORD}
    home = browser.post("/sign-in", form, follow=True)

    assert home.redirect_chain[-1][0] == "/c/example-shop"
    assert "<h1>1 of your 3 prefixes cannot be reached</h1>" in home.text

    [link] = re.findall(r'<a class="button" id="[^"]+" href="([^"]+)">Re-advertise', home.text)
    preview = browser.get(link)
    assert "Nothing has changed yet." in preview.text

    started = browser.post(link, fields(preview.text), follow=True)

    run = Run.objects.get()
    assert started.redirect_chain == [(f"/runs/{run.reference}", 303)]
    assert "Re-advertising 203.0.113.0/24" in started.text
    assert run.reference in started.text
