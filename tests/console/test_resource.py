"""Each location of one resource: what is, what was good, and what is seen from outside."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.models import Look
from tests import factories
from tests.console.conftest import Shop
from tests.console.test_home import QUERIES


def address(shop: Shop) -> str:
    return f"{shop.home}/resources/{shop.broken.pk}"


def test_it_shows_now_and_good_and_every_probe(shop: Shop, operator: Client) -> None:
    page = operator.get(address(shop)).text

    assert "<h1>203.0.113.0/24 cannot be reached</h1>" in page
    assert page.count("Now: <strong>not advertised</strong>") == 3
    assert page.count("advertised, next hop 198.18.255.1, path AS64496") == 3
    assert page.count("Now: <strong>present</strong>") == 3
    assert page.count("Seen from outside (collector)") == 3
    assert page.count("Seen from outside (tcp)") == 3
    assert f"/actions/{factories.ACTION}?target={shop.broken.pk}" in page


def test_it_says_when_all_is_as_it_was_proven(shop: Shop, operator: Client) -> None:
    page = operator.get(f"{shop.home}/resources/{shop.well[0].pk}").text

    assert f"<h1>{shop.well[0].name} is reachable</h1>" in page
    assert page.count("As last proven to work") == 6
    assert "/actions/" not in page


def test_it_does_not_pass_old_looks_off_as_now(shop: Shop, operator: Client) -> None:
    Look.objects.all().delete()

    page = operator.get(address(shop)).text

    assert page.count("Now: <strong>not known</strong>") == 6
    assert page.count("Not measured yet") == 6


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_it_is_not_there_for_others(shop: Shop, role: str) -> None:
    assert shop.clients[role].get(address(shop)).status_code == 404


def test_it_is_not_there_in_another_organization(shop: Shop, stranger: Client) -> None:
    assert stranger.get(f"/c/example-bank/resources/{shop.broken.pk}").status_code == 404


def test_it_costs_a_fixed_number_of_queries(
    shop: Shop, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # Those of the home page without what waits and is told; the resource itself, fresh backends and probes, bindings,
    # points and measurements; and the picture of one instead of those of the cards.
    with django_assert_num_queries(QUERIES - 2 + 9):
        operator.get(address(shop))
