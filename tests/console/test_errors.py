"""Pages for when something is wrong, and the address that load balancers ask."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from console.pages import home
from tests.console.conftest import Shop


def test_not_found_says_what_is_true_and_whom_to_call(shop: Shop, operator: Client) -> None:
    page = operator.get("/nowhere")

    assert page.status_code == 404
    assert "<h1>There is nothing at this address</h1>" in page.text
    assert "+44 20 7946 0000" in page.text


def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(shop: Shop, operator: Client) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = operator.cookies

    answer = browser.post("/sign-out")

    assert answer.status_code == 403
    assert "<h1>This form was too old, or came from somewhere else</h1>" in answer.text
    assert "Nothing was changed. Go back, load the page again, and try once more." in answer.text
    assert '<a href="tel:+442079460000">+44 20 7946 0000</a>' in answer.text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert operator.get(shop.home).status_code == 200


def test_our_own_fault_is_told_without_the_database(
    shop: Shop, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*args: object, **kwargs: object) -> None:
        raise RuntimeError("made up by a test")

    monkeypatch.setattr(home, "freshness", fall)
    operator.raise_request_exception = False

    page = operator.get(shop.home)

    assert page.status_code == 500
    assert "Sorry, there is a problem with the console" in page.text
    assert "If a run was in progress, it goes on." in page.text
    assert "+44 20 7946 0000" in page.text
    assert "made up by a test" not in page.text


def test_a_proxy_can_keep_the_page_for_bad_times(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        page = client.get("/offline")

    assert page.status_code == 200
    assert "Sorry, there is a problem with the console" in page.text


def test_livez_asks_nobody(client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/livez")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_request_for_another_host_is_not_answered(client: Client) -> None:
    answer = client.get("/livez", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "<h1>We could not read this request</h1>" in answer.text
