"""The preview and the button that starts: what is shown is what runs, once, and a clear page for everything else."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.domain.terms import Window
from incidents.models import AuditEntry, Binding, Observation, Plan, Run
from tests import factories
from tests.console.conftest import Shop
from tests.console.test_walk import fields

pytestmark = pytest.mark.usefixtures("still_world")
EVERYWHERE = ("edge-a", "edge-b", "edge-c")


def audited(event: str) -> list[dict[str, object]]:
    """The data of every entry of that name."""
    return [json.loads(bytes(row.body))["data"] for row in AuditEntry.objects.filter(event=event)]


def form_of(browser: Client, address: str) -> dict[str, str]:
    return fields(browser.get(address).text)


def test_it_shows_everything_before_anything_happens(shop: Shop, operator: Client) -> None:
    page = operator.get(shop.preview()).text

    assert "<title>Check before you re-advertise 203.0.113.0/24</title>" in page
    assert "Nothing has changed yet." in page
    for place in factories.TITLES:
        assert f"<dt>{place}</dt><dd>not advertised" in page
    assert page.count("<strong>advertised</strong>") == 3
    assert "next hop 198.18.255.1, path AS64496, communities 64496:100" in page
    assert "Your other prefixes, your firewall rules and your DNS." in page
    assert (
        "Usually 1 to 30 seconds. You can undo this for 24 hours from the run page, but not in the first 15 minutes"
        in page
    )
    assert "In 2 steps: Amsterdam, then Frankfurt and Singapore." in page
    assert "No other run is changing the same thing." in page
    assert Run.objects.count() == 0


def test_it_tells_the_usual_time_from_earlier_runs(shop: Shop, operator: Client) -> None:
    now = timezone.now()
    for minutes in (1, 2, 3, 4, 5, 6):
        plan = factories.make_plan(shop.operator, shop.preapproval, [shop.broken])
        factories.make_ended_run(plan, now, took=timedelta(minutes=minutes))

    assert "Usually 1 to 6 minutes (from 6 earlier runs)." in operator.get(shop.preview()).text


def test_posting_what_was_shown_starts_it(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())

    answer = operator.post(shop.preview(), form | {"reason": "shop is down"})

    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.reference}")
    assert (run.plan_id, run.reason) == (form["digest"], "shop is down")


def test_a_double_tap_leads_to_the_same_run(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())

    first, second = operator.post(shop.preview(), form), operator.post(shop.preview(), form)

    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


def test_a_second_tab_with_the_same_preview_leads_to_the_same_run(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())

    first = operator.post(shop.preview(), form)
    second = operator.post(shop.preview(), form | {"key": str(uuid.uuid4())})

    assert first["Location"] == second["Location"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digest": ""}, "The form did not say which preview it was about."),
        ({"digest": "nonsense"}, "The form did not say which preview it was about."),
        ({"digest": "0" * 64}, "This preview is not known."),
        ({"key": ""}, "The form was not complete."),
        ({"reason": "x" * 501}, "Write the reason in at most 500 characters."),
    ],
)
def test_it_shows_a_new_preview_when_the_form_is_not_right(
    shop: Shop, operator: Client, change: dict[str, str], words: str
) -> None:
    answer = operator.post(shop.preview(), form_of(operator, shop.preview()) | change)

    assert answer.status_code == 422
    assert "<title>Error: Check before you" in answer.text
    assert "<h2>There is a problem</h2>" in answer.text
    assert words in answer.text
    assert re.search(r'name="digest" value="[0-9a-f]{64}"', answer.text)
    assert Run.objects.count() == 0
    assert len(audited("run.refused")) == 1


def test_it_shows_a_new_preview_when_the_old_one_has_expired(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())
    Plan.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = operator.post(shop.preview(), form | {"reason": "keep me"})

    assert answer.status_code == 422
    assert "The preview was too old." in answer.text
    assert 'value="keep me"' in answer.text
    assert fields(answer.text)["digest"] != form["digest"]
    assert fields(answer.text)["key"] != form["key"]


def test_it_shows_a_new_preview_when_the_world_has_changed(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())
    side = Binding.objects.get(resource=shop.broken, location__slug="edge-a", aspect="route")
    side.seen = Observation.objects.create(
        binding=side, state=factories.good_route(), at=timezone.now(), source="poller"
    )
    side.save()

    answer = operator.post(shop.preview(), form)

    assert answer.status_code == 422
    assert "Something changed since the preview" in answer.text
    assert "<dt>Amsterdam</dt>" not in answer.text
    assert Run.objects.count() == 0


def test_a_key_cannot_be_used_for_something_else(shop: Shop, operator: Client) -> None:
    form = form_of(operator, shop.preview())
    operator.post(shop.preview(), form)

    answer = operator.post(shop.preview(), form | {"reason": "another"})

    assert answer.status_code == 422
    assert "This form was sent before with other contents." in answer.text
    assert Run.objects.count() == 1


def test_it_leads_to_the_run_that_is_in_the_way(shop: Shop, operator: Client) -> None:
    form, other = form_of(operator, shop.preview()), form_of(operator, shop.preview())
    operator.post(shop.preview(), form)
    run = Run.objects.get()

    answer = operator.post(shop.preview(), other)

    assert answer.status_code == 409
    assert f"Another run, {run.reference}, is changing 203.0.113.0/24." in answer.text
    assert f'href="/runs/{run.reference}">Watch that run</a>' in answer.text
    assert "Code: guard.one-at-a-time" in answer.text


def test_it_has_reasons_instead_of_a_button_when_something_speaks_against_it(
    shop: Shop, operator: Client, still_world: Callable[[str], None]
) -> None:
    still_world("router-edge-b")

    page = operator.get(shop.preview()).text

    assert "This cannot be started now" in page
    assert "Frankfurt does not answer" in page
    assert "Code: guard.unreachable-location" in page
    assert "<button>" not in page


def test_it_asks_for_a_tick_at_tier_2(shop: Shop, operator: Client) -> None:
    factories.agree_on(shop.preapproval, factories.make_terms(tier=2).as_json())
    form = form_of(operator, shop.preview())

    refused = operator.post(shop.preview(), {**form, "understood": ""})
    assert refused.status_code == 422
    assert "Tick the box to say that you understand" in refused.text
    assert 'type="checkbox" id="understood"' in refused.text

    assert operator.post(shop.preview(), {**fields(refused.text), "understood": "yes"}).status_code == 303


def test_select_withdrawn_chooses_what_can_be_repaired(shop: Shop, operator: Client) -> None:
    second = factories.make_prefix(shop.organization, withdrawn=("edge-a",))
    hopeless = factories.make_prefix(shop.organization, withdrawn=EVERYWHERE, unbound=EVERYWHERE)
    shop.preapproval.resources.add(second, hopeless)
    address = f"{shop.home}/actions/readvertise_prefix?select=broken"

    page = operator.get(address).text
    answer = operator.post(address, fields(page))

    assert "Check before you re-advertise" in page
    assert "2 prefixes" in page
    assert hopeless.name not in page
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.reference}"
    # The same again, when nothing is left to choose: still the same run.
    assert operator.post(address, fields(page))["Location"] == answer["Location"]


@pytest.mark.parametrize("query", ["", "?target=", "?select=", "?select=all", "?select=broken&select=all"])
def test_nothing_never_means_everything(shop: Shop, operator: Client, query: str) -> None:
    address = f"{shop.home}/actions/readvertise_prefix{query}"
    form = form_of(operator, shop.preview())

    for answer in (operator.get(address), operator.post(address, form)):
        # An empty target is no id at all.
        assert answer.status_code == (404 if query == "?target=" else 422)
        assert "Nothing was changed." in answer.text
    assert Run.objects.count() == 0
    assert len(audited("run.refused")) == (0 if query == "?target=" else 1)


def test_there_is_nothing_to_choose_when_all_is_well(shop: Shop, operator: Client) -> None:
    factories.make_diagnosis(shop.broken)

    answer = operator.get(f"{shop.home}/actions/readvertise_prefix?select=broken")

    assert answer.status_code == 422
    assert "<h1>Nothing was chosen</h1>" in answer.text


def test_many_are_told_by_location_with_the_list_folded_away(shop: Shop, operator: Client) -> None:
    more = [factories.make_prefix(shop.organization, withdrawn=EVERYWHERE) for _ in range(10)]
    shop.preapproval.resources.add(*more)

    page = operator.get(shop.preview(shop.broken, *more)).text

    assert "<dt>Amsterdam</dt><dd>11 prefixes: not advertised" in page
    folded = page[page.index("<details>") : page.index("</details>")]
    assert all(prefix.name in folded for prefix in more)


def test_a_check_that_may_be_overridden_is_overridden_by_name(shop: Shop, operator: Client) -> None:
    terms = replace(factories.make_terms(), overridable=("guard.window-platform",), platform_window=Window(0, 60))
    factories.agree_on(shop.preapproval, terms.as_json())
    page = operator.get(shop.preview())
    assert "Go on against this check" in page.text
    assert 'name="override" value="guard.window-platform"' in page.text
    assert "<button>Re-advertise" not in page.text

    page = operator.get(shop.preview() + "&override=guard.window-platform&override=guard.permission")
    assert "You go on against:" in page.text
    assert "Type the word OVERRIDE" in page.text
    assert "This goes on against checks that protect you, so it takes two people." in page.text


def test_a_check_that_may_not_be_overridden_offers_nothing(shop: Shop, operator: Client) -> None:
    terms = replace(factories.make_terms(), platform_window=Window(0, 60))
    factories.agree_on(shop.preapproval, terms.as_json())
    page = operator.get(shop.preview() + "&override=guard.window-platform")
    assert "Go on against" not in page.text
    assert "Code: guard.window-platform" in page.text


def test_what_is_overridden_already_is_asked_for_again_with_the_next(shop: Shop, operator: Client) -> None:
    codes = ("guard.window-organization", "guard.window-platform")
    terms = replace(
        factories.make_terms(), overridable=codes, organization_window=Window(0, 60), platform_window=Window(0, 60)
    )
    factories.agree_on(shop.preapproval, terms.as_json())
    page = operator.get(shop.preview() + f"&override={codes[1]}").text
    assert f'<input type="hidden" name="override" value="{codes[1]}">' in page
    assert f'name="override" value="{codes[0]}" required' in page
    assert "You go on against:" in operator.get(shop.preview() + "".join(f"&override={one}" for one in codes)).text
