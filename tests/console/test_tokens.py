"""Tokens for programs: made after showing who one is, shown once, kept as a hash, revoked on the same page."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.models import ApiToken, AuditEntry
from incidents.services import tokens
from tests.console.conftest import Shop, note_shown

ADD = "/me/tokens/add"
GOOD = {"organization": "example-shop", "name": "night-watch", "scopes": ["read", "run"], "days": "30"}


def test_it_is_shown_once_and_kept_as_a_hash(shop: Shop, operator: Client) -> None:
    answer = operator.post(ADD, GOOD)

    [secret] = re.findall(r"<code>(hr_[a-z2-7]{12}_[A-Za-z0-9_-]{43})</code>", answer.text)
    assert answer["Cache-Control"] == "no-store"
    [row] = ApiToken.objects.all()
    assert (row.person, row.scopes, row.digest) == (shop.operator, ["read", "run"], tokens.hash_of(secret))
    page = operator.get("/me").text
    assert row.prefix in page
    assert "not used yet" in page
    kept = str(list(ApiToken.objects.values())) + "".join(bytes(one.body).decode() for one in AuditEntry.objects.all())
    assert secret[-43:] not in page + kept
    assert json.loads(bytes(AuditEntry.objects.get(event="token.made").body))["data"]["scopes"] == ["read", "run"]


def test_the_page_costs_the_same_with_many_tokens(
    shop: Shop, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        operator.post(ADD, {**GOOD, "name": f"n{number}"})

    with django_assert_num_queries(4):
        operator.get("/me")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"organization": "example-bank"}, "Choose one of your organizations."),
        ({"organization": "made-up"}, "Choose one of your organizations."),
        ({"organization": ""}, "Choose an organization."),
        ({"name": ""}, "Write a name of at most 50 letters"),
        ({"name": "x" * 51}, "Write a name of at most 50 letters"),
        ({"name": "two\nlines"}, "Write a name of at most 50 letters"),
        ({"scopes": []}, "Choose what the token may be used for."),
        ({"scopes": ["everything"]}, "Choose what the token may be used for."),
        ({"days": "0"}, "Choose for how long."),
        ({"days": "99999999999"}, "Choose for how long."),
    ],
)
def test_what_will_not_do_makes_none(shop: Shop, operator: Client, change: dict[str, object], words: str) -> None:
    answer = operator.post(ADD, GOOD | change)

    assert answer.status_code == 422
    assert words in answer.text
    assert ApiToken.objects.count() == 0


def test_there_is_a_most(shop: Shop, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 1)
    operator.post(ADD, GOOD)

    assert "Revoke one first" in operator.post(ADD, GOOD).text
    assert ApiToken.objects.count() == 1


def test_making_one_asks_who_it_is(shop: Shop, operator: Client) -> None:
    note_shown(operator, shop.operator, "password", 301.0)

    answer = operator.post(ADD, GOOD)

    assert (answer.status_code, ApiToken.objects.count()) == (303, 0)
    assert answer["Location"].startswith("/sign-in/again")


def test_revoking_is_done_at_once_and_told_once(shop: Shop, operator: Client) -> None:
    operator.post(ADD, GOOD)
    [row] = ApiToken.objects.all()
    address = f"/me/tokens/{row.pk}/revoke"
    assert "Revoke night-watch" in operator.get(address).text

    answers = [operator.post(address) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == ["/me", "/me"]
    assert AuditEntry.objects.filter(event="token.revoked").count() == 1
    assert "night-watch" not in operator.get("/me").text
    assert operator.get(address).status_code == 404


def test_nobody_sees_or_revokes_that_of_another(shop: Shop, operator: Client, viewer: Client) -> None:
    operator.post(ADD, GOOD)
    [row] = ApiToken.objects.all()
    address = f"/me/tokens/{row.pk}/revoke"

    assert [viewer.get(address).status_code, viewer.post(address).status_code] == [404, 404]
    row.refresh_from_db()
    assert row.revoked_at is None


def test_a_name_is_never_markup(shop: Shop, operator: Client) -> None:
    operator.post(ADD, {**GOOD, "name": "<script>x</script>"})

    assert "<script>x" not in operator.get("/me").text


def test_somebody_without_an_organization_reads_that(shop: Shop, nobody: Client) -> None:
    assert "You may see no organization" in nobody.get(ADD).text
    assert nobody.post(ADD, GOOD).status_code == 422
