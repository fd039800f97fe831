"""How a session ends: by age, by rest, by a new password, with its person; and that an old one opens nothing."""

from __future__ import annotations

import json
import time
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import AuditEntry, Person
from incidents.services import factors
from incidents.services.sign_in import NOBODY
from tests.console.conftest import Shop, note_shown, sign_in
from tests.console.test_second_factor import enrol
from tests.factories import PASSWORD

GOOD = {"username": "shop-operator", "password": PASSWORD}
HOUR = 3600
NEW = "three words in a row"


def age(client: Client, began: float = 0.0, seen: float = 0.0) -> None:
    """Makes a session older by so many seconds."""
    session = client.session
    session.update({"began": int(time.time() - began), "seen": int(time.time() - seen)})
    session.save()


def whys() -> list[str]:
    return [json.loads(bytes(row.body))["data"]["why"] for row in AuditEntry.objects.filter(event="session.ended")]


@pytest.mark.parametrize(
    ("began", "seen", "status", "why"),
    [
        (12 * HOUR - 60, 0, 200, []),
        (12 * HOUR, 0, 302, ["age"]),
        (2 * HOUR, HOUR - 60, 200, []),
        (2 * HOUR, HOUR, 302, ["idle"]),
    ],
)
def test_it_ends_after_12_hours_and_after_an_hour_of_rest(
    shop: Shop, operator: Client, began: float, seen: float, status: int, why: list[str]
) -> None:
    age(operator, began, seen)

    assert operator.get(shop.home).status_code == status
    assert whys() == why


def test_a_page_prolongs_it_and_a_poll_does_not(shop: Shop, operator: Client) -> None:
    age(operator, seen=HOUR - 60)
    operator.get(f"{shop.home}/summary", headers={"HX-Request": "true"})
    assert operator.session["seen"] <= time.time() - HOUR + 61

    operator.get(shop.home)
    assert operator.session["seen"] >= time.time() - 5


def test_a_poll_of_a_session_that_is_over_is_told_so_without_a_page(shop: Shop, operator: Client) -> None:
    age(operator, seen=HOUR)

    answer = operator.get(f"{shop.home}/summary", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content) == (401, b"")


def test_the_cookie_of_a_session_that_was_signed_out_opens_nothing(shop: Shop, operator: Client) -> None:
    kept = operator.cookies["session"].value
    operator.post("/sign-out")

    thief = Client()
    thief.cookies["session"] = kept
    assert thief.get(shop.home).status_code == 302
    assert whys() == ["sign-out"]


def test_a_session_has_another_id_after_sign_in_than_before(shop: Shop, client: Client) -> None:
    client.get("/sign-in/passkey/options")
    before = client.cookies["session"].value
    client.post("/sign-in", GOOD)

    assert client.cookies["session"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_new_password_ends_every_other_session_and_not_this_one(shop: Shop, operator: Client, viewer: Client) -> None:
    other = sign_in(shop.operator)
    assert other.get(shop.home).status_code == 200

    answer = operator.post("/me/password", {"password": NEW, "again": NEW})

    assert (answer.status_code, answer["Location"]) == (303, "/me")
    assert operator.get(shop.home).status_code == 200
    assert other.get(shop.home).status_code == 302
    assert viewer.get(shop.home).status_code == 200
    assert AuditEntry.objects.filter(event="password.changed", actor="shop-operator").count() == 1
    assert Client().post("/sign-in", GOOD).status_code == 422
    assert Client().post("/sign-in", {**GOOD, "password": NEW}).status_code == 303


def test_whoever_found_the_lost_phone_is_out_once_it_is_removed(shop: Shop, operator: Client, viewer: Client) -> None:
    enrol(shop.operator)
    phone = sign_in(shop.operator)
    note_shown(operator, shop.operator, "mfa")
    row = Authenticator.objects.get(type="totp")

    assert operator.post(f"/me/factors/{row.pk}/remove")["Location"] == "/me"

    assert phone.get(shop.home).status_code == 302
    assert operator.get(shop.home).status_code == 200
    assert viewer.get(shop.home).status_code == 200
    assert whys() == ["factor-removed"]


def test_whoever_has_lost_everything_is_out_everywhere(shop: Shop, operator: Client, viewer: Client) -> None:
    call_command("factors", "reset", "shop-operator", "--reason", "lost bag", stdout=StringIO())

    assert operator.get(shop.home).status_code == 302
    assert viewer.get(shop.home).status_code == 200
    assert whys() == ["factor-reset"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": NEW, "again": "another"}, "not the same"),
        ({"password": "short", "again": "short"}, "at least 15 characters"),
        ({"password": "shop-operator-shop", "again": "shop-operator-shop"}, "too similar"),
        ({"password": "", "again": ""}, "Write a new password."),
        ({}, "Write a new password."),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    shop: Shop, operator: Client, given: dict[str, str], words: str
) -> None:
    answer = operator.post("/me/password", given)

    assert answer.status_code == 422
    assert words in answer.text
    assert Person.objects.get(username="shop-operator").check_password(PASSWORD)


def test_sessions_are_read_before_the_log_is_held(shop: Shop, operator: Client) -> None:
    enrol(shop.operator)
    row = Authenticator.objects.get(type="totp")

    with CaptureQueriesContext(connection) as queries:
        factors.remove(shop.operator, row.pk, keep_one=False)

    said = [query["sql"] for query in queries]
    [read] = [number for number, sql in enumerate(said) if sql.startswith("SELECT") and '"session_data"' in sql]
    assert read < next(number for number, sql in enumerate(said) if sql.startswith(("BEGIN", "SAVEPOINT")))
    assert whys() == ["factor-removed"]


def test_sessions_that_hold_a_question_only_are_not_opened(
    shop: Shop, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can make them, so they must cost nothing; whoever opens this one is told that it is damaged."""
    client.get("/sign-in/passkey/options")
    Session.objects.filter(session_key=client.cookies["session"].value).update(session_data="damaged")

    factors.reset(shop.operator, NOBODY, "lost bag")

    assert "corrupted" not in caplog.text
    assert whys() == ["factor-reset"]


def test_whoever_has_left_is_out_at_the_next_page(shop: Shop, operator: Client) -> None:
    Person.objects.filter(username="shop-operator").update(is_active=False)

    assert operator.get(shop.home).status_code == 302
    assert operator.get("/sign-in/again").status_code == 302


def test_a_question_to_a_passkey_keeps_its_row_for_ten_minutes_only(client: Client, db: None) -> None:
    client.get("/sign-in/passkey/options")

    left = Session.objects.get().expire_date - timezone.now()
    assert left.total_seconds() <= 600


def test_a_session_from_before_an_upgrade_begins_to_age(shop: Shop, operator: Client) -> None:
    session = operator.session
    del session["began"], session["seen"]
    session.save()

    operator.get(shop.home)

    assert operator.session["began"] >= time.time() - 5
    assert settings.SESSION_COOKIE_AGE == 12 * HOUR


def test_how_they_showed_who_they_are_goes_with_the_person_and_not_with_the_browser(
    shop: Shop, operator: Client, client: Client
) -> None:
    note_shown(operator, shop.viewer, "mfa")  # a record of somebody else

    assert operator.get("/me/password").status_code == 303
