"""The support desk: who needs help now, what was found, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.domain.diagnosis import Damage
from incidents.domain.runs import Outcome, Phase
from incidents.models import AuditEntry, Look, Organization, OrganizationGroupObjectPermission, Person, Plan, Run
from incidents.selectors.desk import read_version
from tests import factories
from tests.consents import record_consent
from tests.console.conftest import Shop, narrow, put, start_run
from tests.console.test_home import polled

EVERYWHERE = ("edge-a", "edge-b", "edge-c")
# Session and person; may they; newest look; customers in need, their faults, locations (2), counts, last steps (3),
# queue, consents, incidents; workers; freezes (2); version (3); notices and approvals.
QUERIES = 24
# Session and person; may they; newest look; workers; version (3).
QUERIES_UNCHANGED = 8
PAGES = ("/desk", "/desk/now", "/desk/c/example-shop", "/desk/c/example-shop/act", "/desk/freeze", "/desk/queue")


def bank() -> Organization:
    return Organization.objects.get(slug="example-bank")


def test_it_says_who_needs_help_and_since_when(shop: Shop, desk: Client) -> None:
    factories.make_prefix(bank(), "198.18.20.0/24", withdrawn=EVERYWHERE, since=timezone.now() - timedelta(hours=2))
    Person.objects.update(last_login=None)

    page = desk.get("/desk").text

    assert "<h1>2 customers need help now</h1>" in page
    assert page.index("Example Bank") < page.index("Example Shop"), "who has waited longest comes first"
    assert "1 of their 3 prefixes cannot be reached" in page
    assert "Their prefix 198.18.20.0/24 cannot be reached" in page
    assert "11 minutes" in page
    assert "nobody of theirs has signed in yet" in page
    assert "Say on the phone" in page
    assert 'href="/c/example-shop">Open their view' in page


def test_it_says_when_nobody_does(shop: Shop, desk: Client) -> None:
    factories.make_diagnosis(shop.broken)
    factories.make_diagnosis(shop.well[0], damage=Damage.UNKNOWN)

    page = desk.get("/desk").text

    assert "<h1>Nobody needs help now</h1>" in page
    assert "no run is under way" in page
    assert "Measured at" in page


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["operator", "viewer", "stranger", "nobody", "owner"])
def test_it_is_not_there_for_customers(shop: Shop, owner: Client, role: str, path: str) -> None:
    browser = owner if role == "owner" else shop.clients[role]

    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_it_asks_for_a_sign_in(shop: Shop, client: Client, path: str) -> None:
    assert client.get(path).status_code == (401 if path == "/desk/now" else 302)


def test_engineers_have_a_queue_and_no_desk(shop: Shop, engineer: Client) -> None:
    assert engineer.get("/desk/queue").status_code == 200
    for path in ("/desk", "/desk/freeze", "/desk/c/example-shop", "/desk/c/example-shop/act"):
        assert engineer.get(path).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_support_of_one_organization_finds_nothing_of_another(shop: Shop, method: str) -> None:
    factories.make_prefix(bank(), "198.18.20.0/24", withdrawn=EVERYWHERE)
    run = start_run(shop, shop.broken)
    browser = narrow(bank())

    page = browser.get("/desk").text
    assert "Example Bank" in page
    assert "Example Shop" not in page
    assert "Example Shop" not in browser.get("/desk/freeze").text
    for words in ("example", "203.0.113.7", run.reference, str(run.incident), "Robin"):
        assert "Example Shop" not in browser.get("/desk", {"q": words}).text
    for path in ("/desk/c/example-shop/act", "/c/example-shop/incident", "/c/example-shop"):
        assert getattr(browser, method)(path).status_code in (404, 405)


def test_a_post_to_what_is_not_theirs_is_in_the_audit(shop: Shop) -> None:
    narrow(bank()).post("/desk/c/example-shop/act", {"caller": "x"})

    [entry] = AuditEntry.objects.filter(event="access.denied")
    assert (entry.actor, entry.organization) == ("only-example-bank", "example-shop")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("shop", 'Customer: <a href="/c/example-shop">'),
        ("203.0.113.7", 'Resource: <a href="/c/example-shop/resources/'),
        ("203.0.113.0/24", 'Resource: <a href="/c/example-shop/resources/'),
        ("checkout", 'Resource: <a href="/c/example-shop/resources/'),
        ("RUN", 'Run: <a href="/runs/RUN-'),
        ("inc", "Nothing was found"),
        ("Robin", 'Person: <a href="/c/example-shop">'),
        ("2001:db8::1", "Nothing was found"),
        ("x", "Nothing was found"),
        ("999999999", "Nothing was found"),
        ("\0", "<h1>"),
        ("%", "Nothing was found"),
        ("<b>", "Nothing was found for “&lt;b&gt;”"),
    ],
)
def test_it_finds(shop: Shop, desk: Client, words: str, found: str) -> None:
    start_run(shop, shop.broken)

    assert found in desk.get("/desk", {"q": words}).text


@pytest.mark.parametrize("form", ["{}", "INC-{}", "inc{}"])
def test_it_finds_an_incident_by_its_number(shop: Shop, desk: Client, form: str) -> None:
    reference = start_run(shop, shop.broken).incident.reference
    page = desk.get("/desk", {"q": form.format(reference.removeprefix("INC-"))}).text

    assert f'Incident: <a href="/incidents/{reference}"><span class="address">{reference}</span></a>' in page


def last(desk: Client) -> str:
    page = desk.get("/desk").text
    return page[page.index("Their last step") :].partition("</p>")[0]


def test_it_tells_their_last_step(shop: Shop, desk: Client, still_world: Callable[[str], None]) -> None:
    Person.objects.filter(pk=shop.viewer.pk).update(last_login=timezone.now())
    assert "shop-viewer signed in at" in last(desk)

    shop.clients["operator"].get(shop.preview())
    assert "Robin of Example Shop opened a preview, “advertise it again”, at" in last(desk)
    assert "and did not run it" in last(desk)

    run = start_run(shop, shop.broken)
    assert "by Robin of Example Shop" in last(desk)
    assert "running" in last(desk)

    put(run, phase=Phase.ENDED, outcome=Outcome.FAILED)
    assert "did not work" in last(desk)
    assert f"/runs/{run.reference}" in last(desk)


def test_a_sign_in_of_somebody_else_is_no_step_of_theirs(shop: Shop, desk: Client) -> None:
    Person.objects.update(last_login=None)
    Person.objects.filter(username__in=("desk", "bank-operator", "nobody")).update(last_login=timezone.now())

    assert "nobody of theirs has signed in yet" in last(desk)


def test_it_says_who_acts_and_what_the_engineers_have(shop: Shop, desk: Client) -> None:
    factories.make_prefix(shop.organization, withdrawn=EVERYWHERE, unbound=EVERYWHERE)
    record_consent(factories.make_person("other", "support", title="Sam"), shop.organization)

    page = desk.get("/desk").text

    assert "<strong>Acting:</strong> Sam, as <bdi>Kim of Example Shop</bdi> asked" in page
    assert "number 1 in their queue" in page
    assert "not taken yet" in page


def test_it_says_when_a_run_waits_for_a_worker(shop: Shop, desk: Client) -> None:
    run = start_run(shop, shop.broken)
    assert "1 run under way, and none waits for a worker" in desk.get("/desk").text

    Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(seconds=40))
    assert "a run has waited 40 seconds for a worker" in desk.get("/desk").text


def test_it_says_when_nothing_is_measured(shop: Shop, desk: Client) -> None:
    Look.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert "our measuring has not answered since" in desk.get("/desk").text
    Look.objects.all().delete()
    assert "our measuring has not answered." in desk.get("/desk").text


@pytest.mark.parametrize("more", [0, 30])
def test_it_costs_the_same_for_many(
    shop: Shop, desk: Client, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(more):
        organization = factories.make_organization(f"customer-{number}", f"Customer {number}")
        factories.make_prefix(organization, withdrawn=("edge-a",), unbound=("edge-a",) if number % 2 else ())

    with django_assert_num_queries(QUERIES):
        desk.get("/desk")


def test_a_sign_in_of_somebody_elses_people_redraws_nothing(shop: Shop, desk: Client) -> None:
    person = Person.objects.get(username="desk")
    factories.make_organization("elsewhere", "Elsewhere")
    factories.make_person("far", "elsewhere/viewers")
    OrganizationGroupObjectPermission.objects.filter(content_object__slug="elsewhere", group__name="support").delete()
    before = read_version(person)
    Person.objects.filter(username="far").update(last_login=timezone.now() + timedelta(days=1))
    assert read_version(person) == before
    Person.objects.filter(pk=shop.viewer.pk).update(last_login=timezone.now() + timedelta(days=2))
    assert read_version(person) != before


def test_those_who_are_too_many_for_a_card_are_named(shop: Shop, desk: Client) -> None:
    for number in range(20):
        organization = factories.make_organization(f"customer-{number}", f"Customer {number}")
        factories.make_prefix(organization, withdrawn=("edge-a",), since=timezone.now() - timedelta(hours=1))

    page = desk.get("/desk").text

    assert "<h1>21 customers need help now</h1>" in page
    assert '<li><a href="/c/example-shop">Example Shop</a> since' in page


def test_its_poll_swaps_nothing_while_nothing_changes(
    shop: Shop, desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = polled(desk.get("/desk").text)

    with django_assert_num_queries(QUERIES_UNCHANGED):
        answer = desk.get(address)

    assert (answer.status_code, answer.content) == (204, b"")


def test_its_poll_tells_what_is_new(shop: Shop, desk: Client, still_world: Callable[[str], None]) -> None:
    address = polled(desk.get("/desk").text)
    shop.clients["operator"].get(shop.preview())
    answer = desk.get(address)
    assert answer.status_code == 200
    assert "opened a preview" in answer.text
    assert "<!doctype" not in answer.text

    address = polled(answer.text)
    Plan.objects.all().delete()
    factories.make_diagnosis(shop.broken)
    Organization.objects.filter(pk=shop.organization.pk).update(version=100)
    assert '<span hx-swap-oob="innerHTML:#announce">Nobody needs help now</span>' in desk.get(address).text


def test_the_start_page_sends_them_to_their_desk(desk: Client, engineer: Client) -> None:
    assert desk.get("/")["Location"] == "/desk"
    assert engineer.get("/")["Location"] == "/desk/queue"


def test_what_there_is_to_do_for_one_customer(shop: Shop, desk: Client) -> None:
    page = desk.get("/desk/c/example-shop").text
    assert "Nobody yet." in page
    assert 'href="/desk/freeze?over=customer:example-shop"' in page

    record_consent(Person.objects.get(username="desk"), shop.organization)
    page = desk.get("/desk/c/example-shop").text
    assert (
        "asked by <bdi>Kim of Example Shop</bdi>: “<bdi>Advertise the shop again</bdi>” (advertise it again). Until"
        in page
    )
    assert "You act for them now." in page
