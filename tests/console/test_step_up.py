"""Serious actions ask once more who it is, and an ordinary one does not."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone

from incidents.domain.runs import Phase, Step
from incidents.domain.verdicts import Mark
from incidents.models import AuditEntry, Run, StageVerdict
from tests import factories
from tests.console.conftest import Shop, note_shown, page_of, put, start_run
from tests.console.test_walk import fields
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("still_world")
LONG_AGO = 301.0


def serious(shop: Shop) -> None:
    factories.agree_on(shop.preapproval, factories.make_terms(tier=2).as_json())


def confirm_link(page: str) -> str:
    [link] = re.findall(r'<a class="button" href="([^"]+)">Confirm that it is you</a>', page)
    return html.unescape(link)


def test_an_ordinary_action_asks_nobody_again(shop: Shop, operator: Client) -> None:
    note_shown(operator, shop.operator, "password", LONG_AGO)

    page = operator.get(shop.preview()).text

    assert "Confirm that it is you" not in page
    assert operator.post(shop.preview(), fields(page)).status_code == 303


def test_a_serious_one_has_a_link_in_place_of_the_button(shop: Shop, operator: Client) -> None:
    serious(shop)
    note_shown(operator, shop.operator, "password", LONG_AGO)

    page = operator.get(shop.preview()).text

    assert unquote(confirm_link(page)) == f"/sign-in/again?next={shop.preview()}"
    assert "now</button>" not in page


def test_a_post_from_an_old_page_changes_nothing_and_keeps_the_reason(shop: Shop, operator: Client) -> None:
    serious(shop)
    form = fields(operator.get(shop.preview()).text)
    note_shown(operator, shop.operator, "password", LONG_AGO)

    answer = operator.post(shop.preview(), {**form, "understood": "yes", "reason": "the shop is down"})

    assert answer.status_code == 422
    assert "Confirm that it is you first. Nothing was changed." in answer.text
    assert "the shop is down" in answer.text
    assert not Run.objects.exists()


def test_confirming_leads_back_and_then_it_starts(shop: Shop, operator: Client) -> None:
    serious(shop)
    note_shown(operator, shop.operator, "password", LONG_AGO)
    link = confirm_link(operator.get(shop.preview()).text)
    old = operator.cookies["session"].value

    asked = operator.get(link)
    wrong = operator.post("/sign-in/again", {"password": "wrong", "next": shop.preview()})
    right = operator.post("/sign-in/again", {"password": PASSWORD, "next": shop.preview()})

    assert "<h1>Confirm that it is you</h1>" in asked.text
    assert (wrong.status_code, right.status_code, right["Location"]) == (422, 303, shop.preview())
    # Whoever knew the old id of the session has nothing from it now.
    assert operator.cookies["session"].value != old
    assert AuditEntry.objects.filter(event="session.confirmed").count() == 1
    form = fields(operator.get(shop.preview()).text)
    assert operator.post(shop.preview(), {**form, "understood": "yes"}).status_code == 303


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_confirming_never_leads_away(shop: Shop, operator: Client, wanted: str) -> None:
    assert "evil" not in operator.get("/sign-in/again", {"next": wanted}).text
    assert operator.post("/sign-in/again", {"password": PASSWORD, "next": wanted})["Location"] == "/"


def test_going_on_without_proof_with_a_serious_run_asks_first(shop: Shop, operator: Client) -> None:
    serious(shop)
    run = start_run(shop, shop.broken, understood=True)
    put(run, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.inconclusive")
    StageVerdict.objects.create(run=run, stage=0, mark=Mark.INCONCLUSIVE, at=timezone.now())
    note_shown(operator, shop.operator, "password", LONG_AGO)

    page = operator.get(page_of(run)).text
    answer = operator.post(f"{page_of(run)}/overrule", {"reason": "I have seen it work"})

    assert "Confirm that it is you, to go on without proof" in page
    assert (answer.status_code, "Confirm that it is you first" in answer.text) == (422, True)
    assert StageVerdict.objects.get().overruled_by is None
    note_shown(operator, shop.operator, "password")
    assert operator.post(f"{page_of(run)}/overrule", {"reason": "I have seen it work"}).status_code == 303
