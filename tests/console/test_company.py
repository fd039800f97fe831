"""Company sign-in against a provider that is honest, hangs, refuses and lies; local sign-in works through all of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from console.sign_in.bounded import Bulkhead, Late
from incidents.models import AuditEntry, Person
from incidents.services import factors
from incidents.wire.deadline import Deadline
from tests.codes import code_of, settle
from tests.console.conftest import Shop
from tests.factories import PASSWORD
from tests.fakes.provider import CLIENT, SECRET, SUBJECT, FakeProvider, make_key
from tests.fakes.sockets import Peer

GOOD = {"username": "shop-operator", "password": PASSWORD}
# Three seconds, and what two shared cores need to notice.
BOUND = 8.0
LIES = [
    "wrong nonce",
    "wrong audience",
    "many audiences",
    "wrong issuer",
    "expired",
    "from the future",
    "alg none",
    "alg of a shared secret",
    "unknown key",
    "forged with a known name",
]


@pytest.fixture
def provider(settings: Settings, tmp_path: Path, shop: Shop) -> Iterator[FakeProvider]:
    """An honest one, which knows the operator."""
    Person.objects.filter(pk=shop.operator.pk).update(company_id=SUBJECT)
    fake = FakeProvider()
    with fake.web:
        settings.VAR_DIR = tmp_path
        point(settings, fake.issuer)
        yield fake


def point(settings: Settings, issuer: str) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, CLIENT, SECRET
    settings.COMPANY_SIGN_IN = True


def question(client: Client, **query: str) -> dict[str, str]:
    """What the browser takes along to the company's page."""
    answer = client.get("/sign-in/company", query)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def there_and_back(client: Client, provider: FakeProvider, **query: str) -> tuple[int, str, str]:
    answer = client.get("/sign-in/company/return", provider.went(question(client, **query)))
    return answer.status_code, answer.headers.get("Location", ""), answer.text


def entries(event: str) -> list[dict[str, object]]:
    return [json.loads(bytes(row.body))["data"] for row in AuditEntry.objects.filter(event=event)]


def assert_local_sign_in_works() -> None:
    assert Client().get("/sign-in").status_code == 200
    assert Client().post("/sign-in", GOOD).status_code == 303


def test_an_honest_one_signs_in_whom_the_inventory_names(shop: Shop, client: Client, provider: FakeProvider) -> None:
    assert there_and_back(client, provider, next=shop.home)[:2] == (303, shop.home)
    assert client.get(shop.home).status_code == 200
    assert entries("session.began")[0]["with"] == ["company"]


def test_it_counts_as_a_password_does(shop: Shop, client: Client, provider: FakeProvider, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    assert there_and_back(client, provider, next=shop.home)[:2] == (303, shop.home)
    assert client.get(shop.home)["Location"] == "/me/first"

    settle()
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    factors.add_totp(shop.operator, secret, code_of(secret, -1))
    other = Client()
    assert there_and_back(other, provider, next=shop.home)[:2] == (303, "/sign-in/code")
    assert other.post("/sign-in/code", {"code": code_of(secret)})["Location"] == shop.home


def test_a_question_alone_lasts_ten_minutes_and_shortens_no_session(
    client: Client, operator: Client, provider: FakeProvider
) -> None:
    before = operator.session.get_expiry_age()
    for browser in (client, operator):
        question(browser)

    assert client.session.get_expiry_age() == 600
    assert operator.session.get_expiry_age() == before == 12 * 3600


@pytest.mark.parametrize("mode", LIES)
def test_a_lie_signs_nobody_in_and_is_told(shop: Shop, client: Client, provider: FakeProvider, mode: str) -> None:
    provider.mode = mode

    status, _, text = there_and_back(client, provider)

    assert status == 422
    assert "gave an answer that we cannot trust" in text
    assert client.get(shop.home).status_code == 302
    assert len(entries("company.untrue")) == 1
    assert entries("session.began") == []
    assert_local_sign_in_works()


@pytest.mark.parametrize("mode", ["somebody unknown", "nobody"])
def test_it_makes_no_person(shop: Shop, client: Client, provider: FakeProvider, mode: str) -> None:
    provider.mode = mode
    people = Person.objects.count()

    status, _, text = there_and_back(client, provider)

    assert (status, Person.objects.count()) == (422, people)
    assert "nobody here has that name yet" in text


def test_whoever_has_left_is_not_let_in(shop: Shop, client: Client, provider: FakeProvider) -> None:
    Person.objects.filter(pk=shop.operator.pk).update(is_active=False)

    assert there_and_back(client, provider)[0] == 422


@pytest.mark.parametrize(
    "change", [{"state": "another"}, {"state": ""}, {"code": ""}, {"iss": "https://another.example"}]
)
def test_an_answer_to_another_question_is_not_taken(
    shop: Shop, client: Client, provider: FakeProvider, change: dict[str, str]
) -> None:
    brought = {**provider.went(question(client)), **change}

    assert client.get("/sign-in/company/return", brought).status_code == 422
    assert "/token" not in provider.asked


def test_an_answer_is_taken_once_and_by_the_browser_that_asked(
    shop: Shop, client: Client, provider: FakeProvider
) -> None:
    brought = provider.went(question(client))

    assert Client().get("/sign-in/company/return", brought).status_code == 422
    assert client.get("/sign-in/company/return", brought).status_code == 303
    assert client.get("/sign-in/company/return", brought).status_code == 422


def test_one_that_hangs_costs_three_seconds_and_local_sign_in_none(
    shop: Shop, client: Client, provider: FakeProvider
) -> None:
    brought = provider.went(question(client))
    provider.mode = "hang"

    began = time.monotonic()
    answer = client.get("/sign-in/company/return", brought)

    assert time.monotonic() - began < BOUND
    assert answer.status_code == 503
    assert "Company sign-in does not answer." in answer.text
    assert "Your passkey, or your name and password, work without it." in answer.text
    assert [one["what"] for one in entries("company.degraded")] == ["token"]
    assert_local_sign_in_works()


@pytest.mark.parametrize("how", ["accepts and says nothing", "drips", "refuses", "error", "names another issuer"])
def test_one_that_cannot_be_asked_at_all_is_said(
    shop: Shop, client: Client, provider: FakeProvider, settings: Settings, how: str
) -> None:
    with Peer(_drip if how == "drips" else _say_nothing) as peer:
        if how in ("accepts and says nothing", "drips"):
            point(settings, f"http://{peer.address}")
        elif how == "refuses":
            provider.web.die()
        else:
            provider.mode = "error" if how == "error" else "another issuer describes itself"
        began = time.monotonic()
        answers = [client.get("/sign-in/company") for _ in range(2)]
        assert_local_sign_in_works()

    assert time.monotonic() - began < 2 * BOUND
    assert [answer.status_code for answer in answers] == [503, 503]
    assert len(entries("company.degraded")) == 1  # a minute


def _say_nothing(line: socket.socket, ended: threading.Event) -> None:
    ended.wait()


def _drip(line: socket.socket, ended: threading.Event) -> None:
    """A byte now and then, for ever."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not ended.wait(0.2):
        line.sendall(b" ")


def test_no_more_than_two_ever_wait_for_it(shop: Shop, provider: FakeProvider) -> None:
    """A visitor of a provider that hangs for ever leaves a thread behind; the third one is told at once."""
    bulkhead, deadline = Bulkhead(), Deadline(0.05)
    for _ in range(2):
        with pytest.raises(Late, match="did not answer in time"):
            bulkhead.within(deadline, provider.web.ended.wait)
    with pytest.raises(Late, match="others are waiting"):
        bulkhead.within(Deadline(60), lambda: None)


def test_what_it_described_is_kept_on_disk_for_when_it_is_gone(
    shop: Shop, client: Client, provider: FakeProvider, tmp_path: Path
) -> None:
    assert there_and_back(client, provider)[0] == 303
    for kept in (tmp_path / "company").iterdir():
        old = json.loads(kept.read_text())
        kept.write_text(json.dumps({**old, "at": old["at"] - 86_400}))
    provider.web.die()

    assert question(Client())["client_id"] == CLIENT


@pytest.mark.parametrize("text", ["", "{", "[]", '{"issuer": 1}', '{"issuer": "x", "at": 0, "body": {}}'])
def test_a_copy_that_is_damaged_is_read_anew(
    shop: Shop, client: Client, provider: FakeProvider, tmp_path: Path, text: str
) -> None:
    (tmp_path / "company").mkdir()
    for name in ("openid-configuration", "jwks"):
        (tmp_path / "company" / f"{name}.json").write_text(text)

    assert there_and_back(client, provider)[0] == 303


def test_a_new_key_is_asked_for_once_a_minute_at_most(shop: Shop, client: Client, provider: FakeProvider) -> None:
    assert there_and_back(client, provider)[0] == 303
    assert provider.asked.count("/keys") == 1

    provider.published["second"], provider.signs_with = make_key(), "second"
    assert there_and_back(Client(), provider)[0] == 303
    assert provider.asked.count("/keys") == 2

    provider.mode = "unknown key"
    for _ in range(5):
        assert there_and_back(Client(), provider)[0] == 422
    assert provider.asked.count("/keys") == 2


def test_the_sign_in_page_offers_it_only_where_there_is_one_and_never_asks_it(
    shop: Shop, client: Client, provider: FakeProvider, settings: Settings
) -> None:
    page = client.get("/sign-in").text
    assert "Use company sign-in" in page
    assert "Company sign-in not working?" in page
    assert provider.asked == []

    settings.COMPANY_SIGN_IN = False
    assert "ompany" not in client.get("/sign-in").text
    assert client.get("/sign-in/company").status_code == 404
    assert client.get("/sign-in/company/return").status_code == 404
