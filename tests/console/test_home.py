"""The home page: what it says, who may read it, and what it costs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.domain.diagnosis import Damage
from incidents.models import Diagnosis, Look, Organization, ResourceLock, Run
from tests import factories
from tests.console.conftest import Shop, start_run

EVERYWHERE = ("edge-a", "edge-b", "edge-c")
# Session and person; organization with grants; newest look; and one each for resources, locks, locations,
# preapprovals (3), engineers, undone, usual time, runs, incident, who acts, what is paused, what
# waits for a second person, notices; three for the pictures of all cards.
QUERIES = 23
# Session and person; organization with grants; newest look.
QUERIES_UNCHANGED = 4


def polled(html: str) -> str:
    [address] = re.findall(r'hx-get="([^"]+)"', html)
    return str(address).replace("&amp;", "&")


def test_it_puts_the_action_next_to_the_fault(shop: Shop, operator: Client) -> None:
    page = operator.get(shop.home)

    assert page.status_code == 200
    assert "<title>1 of your 3 prefixes cannot be reached" in page.text
    assert "Not reachable</span> from any of 3 locations" in page.text
    assert "No run in this console did this." in page.text
    assert f"/actions/readvertise_prefix?target={shop.broken.pk}" in page.text
    assert "You will see exactly what will change before anything happens." in page.text
    assert "2 prefixes (" in page.text
    assert page["Cache-Control"] == "no-store"


def test_it_says_so_when_all_is_well(shop: Shop, operator: Client) -> None:
    factories.make_diagnosis(shop.broken)

    page = operator.get(shop.home).text

    assert "<h1>Everything we watch for you is reachable</h1>" in page
    assert "Checked from 3 locations at" in page
    assert "it may be outside what we can see" in page
    assert 30 <= float(re.findall(r"every ([\d.]+)s", page)[0]) <= 36


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_it_is_not_there_for_others(shop: Shop, role: str) -> None:
    assert shop.clients[role].get(shop.home).status_code == 404
    assert shop.clients[role].get(f"{shop.home}/summary").status_code == 404
    assert shop.clients[role].get(f"{shop.home}/resources").status_code == 404


def test_it_asks_for_a_sign_in(shop: Shop, client: Client) -> None:
    page = client.get(shop.home)
    fragment = client.get(f"{shop.home}/summary")

    assert (page.status_code, page["Location"]) == (302, f"/sign-in?next={shop.home}")
    assert (fragment.status_code, fragment.content) == (401, b"")


def test_it_rejects_a_post(shop: Shop, operator: Client) -> None:
    assert operator.post(shop.home).status_code == 405
    assert operator.post(f"{shop.home}/summary").status_code == 405


def test_it_names_to_a_viewer_who_can_act(shop: Shop, viewer: Client) -> None:
    page = viewer.get(shop.home).text

    assert "You can see this but not change it. Ask Robin of Example Shop (they can), or call us." in page
    assert "/actions/" not in page


def test_it_has_no_button_where_the_action_cannot_help(shop: Shop, operator: Client) -> None:
    Diagnosis.objects.all().delete()
    factories.make_prefix(shop.organization, "198.51.100.0/24", withdrawn=EVERYWHERE, unbound=EVERYWHERE)

    page = operator.get(shop.home).text

    assert "Re-advertising will not be enough for this prefix. Its service settings were also removed." in page
    assert "Our engineers have it: number 1 in their queue, since" in page
    assert "We have no usual time yet." in page
    assert "/actions/" not in page


def test_it_offers_what_helps_where_only_a_part_is_unbound(shop: Shop, operator: Client) -> None:
    prefix = factories.make_prefix(shop.organization, withdrawn=EVERYWHERE, unbound=("edge-a",))
    shop.preapproval.resources.add(prefix)

    page = operator.get(shop.home).text

    assert "advertise it again from Frankfurt and Singapore" in page
    assert f"?target={prefix.pk}" in page
    assert "Re-advertising will not be enough everywhere." in page


def test_it_offers_one_button_for_several(shop: Shop, operator: Client) -> None:
    prefix = factories.make_prefix(shop.organization, withdrawn=("edge-a",))
    shop.preapproval.resources.add(prefix)

    page = operator.get(shop.home).text

    assert 'readvertise_prefix?select=broken">Re-advertise all 2 withdrawn prefixes</a>' in page


def test_it_shows_the_run_instead_of_a_second_button(shop: Shop, operator: Client) -> None:
    run = start_run(shop, shop.broken)

    page = operator.get(shop.home).text

    assert "Robin of Example Shop started a run" in page
    assert f'href="/runs/{run.reference}">Watch it</a>' in page
    assert "/actions/" not in page
    assert f"Say incident <strong>{run.incident.reference}</strong>" in page


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Damage.DRIFTED, "set up in another way than when it was last proven to work"),
        (Damage.UNREACHABLE_ELSEWHERE, "The fault is outside what this console can change"),
        (Damage.UNKNOWN, "We have not yet seen it working at every location"),
    ],
)
def test_it_is_honest_about_what_it_cannot_repair(shop: Shop, operator: Client, damage: Damage, words: str) -> None:
    factories.make_diagnosis(shop.broken, damage=damage)

    page = operator.get(shop.home).text

    assert words in page
    assert "/actions/" not in page


def test_it_says_when_it_has_no_measurement(shop: Shop, operator: Client) -> None:
    Diagnosis.objects.filter(resource=shop.broken).update(
        damage=Damage.UNKNOWN, repair="", unseen=["edge-a", "edge-b"], unreachable=[], affected=[]
    )

    page = operator.get(shop.home).text

    assert "<h1>We do not know how 1 of your 3 prefixes is</h1>" in page
    assert "We have no recent measurement from 2 of 3 locations." in page


def test_it_says_when_the_measuring_itself_has_stopped(shop: Shop, operator: Client) -> None:
    address = polled(operator.get(shop.home).text)
    Look.objects.update(at=timezone.now() - timedelta(minutes=5))

    page = operator.get(address)

    assert page.status_code == 200
    assert "our measuring has not answered since" in page.text


def test_it_blames_an_undo_only_when_it_was_the_last_to_touch_it(shop: Shop, operator: Client) -> None:
    first = start_run(shop, shop.broken)
    ResourceLock.objects.update(live=False)
    first.targets.update(attempts=1, changed_at=timezone.now() - timedelta(hours=1))
    second = start_run(shop, shop.broken, key="another key")
    Run.objects.filter(pk=second.pk).update(undo_of=first)
    second.targets.update(attempts=1)

    assert f"{second.reference}</a> was the last run to change it" in operator.get(shop.home).text


@pytest.mark.parametrize("more", [0, 197])
def test_it_costs_the_same_for_many(
    shop: Shop, operator: Client, viewer: Client, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        factories.make_prefix(shop.organization, withdrawn=EVERYWHERE if number % 2 else ())
    shop.preapproval.resources.set(shop.organization.resources.all())

    with django_assert_num_queries(QUERIES):
        operator.get(shop.home)
    # Whom to ask, instead of what they may use.
    with django_assert_num_queries(QUERIES):
        viewer.get(shop.home)


def test_its_poll_swaps_nothing_while_nothing_changes(
    shop: Shop, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = polled(operator.get(shop.home).text)
    newest = Look.objects.latest("at").at

    with django_assert_num_queries(QUERIES_UNCHANGED):
        answer = operator.get(address)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Handrail-Checked-At"] == newest.isoformat(timespec="seconds")


def test_its_poll_announces_only_a_new_meaning(shop: Shop, operator: Client) -> None:
    address = polled(operator.get(shop.home).text)
    Organization.objects.filter(pk=shop.organization.pk).update(version=100)

    same = operator.get(address).text
    factories.make_diagnosis(shop.broken)
    other = operator.get(address).text

    assert "hx-swap-oob" not in same
    assert '<span hx-swap-oob="innerHTML:#announce">Everything we watch for you is reachable</span>' in other
    assert "<!doctype" not in other


def test_it_can_be_paused(shop: Shop, operator: Client) -> None:
    page = operator.get(shop.home, {"updates": "off"}).text

    assert "hx-get" not in page
    assert "Updates are paused." in page
    assert f'href="{shop.home}">Go on updating</a>' in page


def test_start_leads_to_the_only_organization(shop: Shop, operator: Client, nobody: Client) -> None:
    assert operator.get("/")["Location"] == shop.home
    assert "There is nothing here for you yet" in nobody.get("/").text


def test_start_lists_several_organizations(shop: Shop) -> None:
    person = factories.make_person("both", "example-shop/viewers", "example-bank/viewers")
    browser = Client()
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    page = browser.get("/").text

    assert "Choose an organization" in page
    assert 'href="/c/example-bank"' in page


def test_everything_lists_every_prefix(shop: Shop, operator: Client) -> None:
    page = operator.get(f"{shop.home}/resources").text

    for prefix in (shop.broken, *shop.well):
        assert prefix.name in page
