"""Acting for a customer on the pages: what support sees, what they may press, and what the customer reads of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from incidents.domain.runs import Outcome, Phase, Step
from incidents.models import AuditEntry, CallerConsent, Organization, Person, Run
from tests import factories
from tests.consents import record_consent
from tests.console.conftest import Shop, narrow, page_of, put, start_run
from tests.console.test_walk import fields

ACT = "/desk/c/example-shop/act"
FORM: dict[str, Any] = {
    "caller": "Kim of Example Shop",
    "caller_person": "shop-operator",
    "recognised": "called_back",
    "recognised_by": "the number in the contract",
    "agreed": "Advertise the shop again",
    "actions": ["readvertise_prefix"],
    "minutes": "60",
}


def agree(shop: Shop) -> CallerConsent:
    return record_consent(Person.objects.get(username="desk"), shop.organization)


def ended(consent: CallerConsent) -> bool:
    consent.refresh_from_db()
    return consent.ended_at is not None


def test_support_sees_what_the_customer_sees_and_presses_nothing(shop: Shop, desk: Client) -> None:
    page = desk.get(shop.home).text

    assert "You are seeing what Example Shop sees. You cannot press their buttons." in page
    assert "The customer has a button here: <strong>Re-advertise" in page
    assert f'href="{ACT}">Act for this customer</a>' in page
    assert "/actions/" not in page
    assert desk.get(shop.preview()).status_code in (403, 404)
    assert desk.post(shop.preview(), {"digest": "0" * 64, "key": "k" * 8}).status_code in (403, 404)
    assert not Run.objects.exists()


def test_engineers_see_it_and_act_for_nobody(shop: Shop, engineer: Client) -> None:
    page = engineer.get(shop.home).text

    assert "You cannot press their buttons." in page
    assert ACT not in page
    assert 'href="/desk/queue">Back to the queue</a>' in page


def test_a_customer_reads_no_words_for_staff(shop: Shop, operator: Client, viewer: Client) -> None:
    for browser in (operator, viewer):
        page = browser.get(shop.home).text
        assert "You are seeing what" not in page
        assert "/desk" not in page


def test_the_form_fills_nothing_in_but_the_time(shop: Shop, desk: Client) -> None:
    page = desk.get(ACT).text

    assert "Nothing has changed yet." in page
    assert " checked" not in page
    assert re.findall(r'<option value="([^"]*)" selected', page) == ["60"]
    assert re.findall(r'name="(?:caller|agreed|recognised_by)"[^>]*value="([^"]*)"', page) == ["", "", ""]
    assert '<option value="shop-operator">Robin of Example Shop</option>' in page
    assert "shop-viewer" not in page, "who may not act cannot let others act"


@pytest.mark.usefixtures("still_world")
def test_support_acts_by_consent_and_both_names_are_everywhere(shop: Shop, desk: Client, operator: Client) -> None:
    answer = desk.post(ACT, FORM, follow=True)
    assert answer.redirect_chain == [(shop.home, 303)]
    assert "You act for <strong>Example Shop</strong> until" in answer.text
    assert "as <bdi>Kim of Example Shop</bdi> asked" in answer.text

    [link] = re.findall(r'<a class="button" id="[^"]+" href="([^"]+)">Re-advertise', answer.text)
    preview = desk.get(link)
    assert "You do this for <strong>Example Shop</strong>, as <bdi>Kim of Example Shop</bdi> asked." in preview.text
    assert "Kim of Example Shop has agreed to this, for the customer." in preview.text

    started = desk.post(link, fields(preview.text), follow=True)
    run = Run.objects.get()
    who = "the support desk for Example Shop, asked by Kim of Example Shop"
    assert started.redirect_chain == [(page_of(run), 303)]
    assert f"by {who}." in started.text
    assert "Stop after this step" in started.text

    home = operator.get(shop.home).text
    assert f"{who} started a run" in home
    assert f"{who}: <a" in home
    assert "The support desk acts for you since" in home
    assert "asked by <bdi>Kim of Example Shop</bdi>: “<bdi>Advertise the shop again</bdi>”" in home


def test_the_list_of_everything_gives_the_consent_the_button_that_home_gives(shop: Shop, desk: Client) -> None:
    agree(shop)

    pages = [desk.get(address).context["page"] for address in (shop.home, f"{shop.home}/resources")]

    assert [card.action for page in pages for card in page.cards] == ["readvertise_prefix"] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"caller": " "}, "Write who asked."),
        ({"caller": "x" * 101}, "at most 100 letters"),
        ({"caller": "a\0b"}, "Null characters"),
        ({"caller_person": "shop-viewer"}, "Choose somebody of the list"),
        ({"caller_person": "bank-operator"}, "Choose somebody of the list"),
        ({"recognised": ""}, "Say how you recognised the caller."),
        ({"recognised": "by their voice"}, "Say how you recognised the caller."),
        ({"recognised_by": ""}, "Write which number"),
        ({"agreed": ""}, "Write what the caller agreed to."),
        ({"actions": []}, "A consent to nothing allows nothing."),
        ({"actions": ["revert_deploy"]}, "A consent to nothing allows nothing."),
        ({"minutes": ""}, "Choose for how long"),
        ({"minutes": "100000"}, "Choose for how long"),
    ],
)
def test_each_part_of_the_consent_is_needed(shop: Shop, desk: Client, change: dict[str, Any], words: str) -> None:
    page = desk.post(ACT, FORM | change)

    assert page.status_code == 422
    assert "<title>Error: Act for Example Shop</title>" in page.text
    assert words in page.text
    assert not CallerConsent.objects.exists()
    if "agreed" not in change:
        assert 'value="Advertise the shop again"' in page.text, "what was typed is kept"


def test_a_second_consent_is_refused_in_words(shop: Shop, desk: Client) -> None:
    agree(shop)

    page = desk.post(ACT, FORM)

    assert page.status_code == 422
    assert "You act for this customer already." in page.text


def test_only_the_actions_that_were_agreed_to_have_buttons(shop: Shop, desk: Client) -> None:
    agree(shop)
    CallerConsent.objects.get().allowed.update(action="revert_deploy")

    page = desk.get(shop.home).text

    assert "/actions/" not in page
    assert "It is not among what they agreed to." in page


@pytest.mark.usefixtures("still_world")
def test_the_one_button_for_several_works_by_consent_too(shop: Shop, desk: Client) -> None:
    shop.preapproval.resources.add(factories.make_prefix(shop.organization, withdrawn=("edge-a",)))
    address = f"{shop.home}/actions/readvertise_prefix?select=broken"
    assert desk.get(address).status_code in (403, 404)
    agree(shop)

    assert "Re-advertise all 2 withdrawn prefixes" in desk.get(shop.home).text
    assert "Check before you re-advertise" in desk.get(address).text


@pytest.mark.parametrize("role", ["operator", "owner", "desk"])
def test_the_customer_and_support_can_end_it(shop: Shop, desk: Client, owner: Client, role: str) -> None:
    consent = agree(shop)
    browser = {"operator": shop.clients["operator"], "owner": owner, "desk": desk}[role]
    [address] = re.findall(r'action="([^"]+/end)"', browser.get(shop.home).text)

    answer = browser.post(address, follow=True)
    assert answer.redirect_chain == [(shop.home, 303)]
    assert ended(consent)
    assert "acts for you" not in answer.text
    assert browser.post(address).status_code == 303, "harmless when repeated"
    assert AuditEntry.objects.filter(event="consent.ended").count() == 1


def test_a_viewer_sees_it_and_cannot_end_it(shop: Shop, desk: Client, viewer: Client) -> None:
    consent = agree(shop)
    page = viewer.get(shop.home).text
    assert "acts for you since" in page
    assert "/end" not in page

    assert viewer.post(f"{shop.home}/consents/{consent.pk}/end").status_code in (403, 404)
    assert not ended(consent)
    assert AuditEntry.objects.filter(event="access.denied").count() == 1


def test_nobody_ends_it_through_another_organization(shop: Shop, desk: Client, stranger: Client) -> None:
    consent = agree(shop)

    for slug in ("example-shop", "example-bank"):
        assert stranger.post(f"/c/{slug}/consents/{consent.pk}/end").status_code == 404
    assert not ended(consent)


def test_getting_the_end_changes_nothing(shop: Shop, desk: Client, operator: Client) -> None:
    consent = agree(shop)

    answer = operator.get(f"{shop.home}/consents/{consent.pk}/end")

    assert (answer.status_code, answer["Location"]) == (303, shop.home)
    assert not ended(consent)


@pytest.mark.usefixtures("still_world")
def test_a_consent_that_is_withdrawn_while_support_reads_the_preview(shop: Shop, desk: Client) -> None:
    consent = agree(shop)
    preview = fields(desk.get(shop.preview()).text)
    shop.clients["operator"].post(f"{shop.home}/consents/{consent.pk}/end")

    answer = desk.post(shop.preview(), preview)

    assert answer.status_code in (403, 404, 422)
    assert not Run.objects.exists()
    assert "You cannot press their buttons." in desk.get(shop.home).text


def test_support_stops_by_consent_and_decides_nothing_more(shop: Shop, desk: Client, run: Run) -> None:
    for tail in ("stop", "undo"):
        assert desk.post(f"{page_of(run)}/{tail}").status_code in (403, 404)
    agree(shop)

    assert desk.post(f"{page_of(run)}/stop").status_code == 303
    put(run, Step.IN_PLACE, phase=Phase.PAUSED, because="verdict.error")
    for tail, data in (("overrule", {"reason": "it works"}), ("extend", {"minutes": "60"})):
        assert desk.post(f"{page_of(run)}/{tail}", data).status_code in (403, 404)
    assert "Go on without proof" not in desk.get(page_of(run)).text


def test_the_stop_of_one_customer_is_none_of_another(shop: Shop, run: Run) -> None:
    bank = Organization.objects.get(slug="example-bank")
    factories.make_prefix(bank)
    factories.make_preapproval(bank)
    browser = narrow(bank)
    record_consent(Person.objects.get(username="only-example-bank"), bank)

    assert browser.post(f"{page_of(run)}/stop").status_code == 404
    run.refresh_from_db()
    assert run.stop_asked_at is None


def test_an_undo_by_consent_is_offered_and_carries_it(
    shop: Shop, desk: Client, still_world: Callable[[str], None]
) -> None:
    run = start_run(shop, shop.broken)
    put(run, Step.VERIFIED, phase=Phase.ENDED, outcome=Outcome.SUCCEEDED, stage=1)
    run.locks.update(live=False)
    assert "/undo" not in desk.get(page_of(run)).text
    consent = agree(shop)
    consent.allowed.update(action="revert_deploy")
    assert "/undo" not in desk.get(page_of(run)).text, "they agreed to something else"
    consent.allowed.update(action="readvertise_prefix")

    assert f'href="{page_of(run)}/undo">Undo</a>' in desk.get(page_of(run)).text
    assert "You do this for <strong>Example Shop</strong>" in desk.get(f"{page_of(run)}/undo").text
