"""The page of what was told outside, and the command that tries a channel."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from incidents.models import AuditEntry, Delivery
from incidents.selectors.notices import PAGE
from tests.console.conftest import Shop, narrow
from tests.fakes.smtp import MailServer
from tests.fakes.sockets import closed_address
from tests.fakes.web import Answer, Request, Web
from tests.notices.letters import SECRET
from tests.notices.routes import make_channel, write_delivery

# Session and person; may they; supported; all of them; deliveries; attempts; time, counts and channels.
QUERIES = 10


def test_it_shows_every_attempt_and_no_address(
    shop: Shop, desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_channel("night")
    make_channel("hook", "webhook", url="https://hooks.example.net/token", secret="env:S")
    write_delivery("203.0.113.0/24: readvertise prefix failed", tries=2)
    Delivery.objects.filter(pk=write_delivery("<b>x</b>", "", "given-up").pk).update(
        because="it wants no more of these"
    )
    with django_assert_num_queries(QUERIES):
        page = desk.get("/desk/notices").text

    assert "2 attempts" in page
    assert "not taken, the mail server took too long; 31 ms" in page
    assert "taken, answer 250; 31 ms" in page
    assert "n…@example.org" in page
    assert "noc@example.org" not in page
    assert "hooks.example.net" not in page
    assert "Why: it wants no more of these" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<strong>night</strong> (mail): " in page
    assert "1 notice given up" in page
    assert "<strong>hook</strong> (webhook): nothing was sent in the last day" in page
    assert 'href="/desk/notices">Notices' in desk.get("/desk").text


def test_it_is_there_for_support_only_and_of_whom_they_support(shop: Shop, viewer: Client, engineer: Client) -> None:
    write_delivery("of the shop")
    write_delivery("of the bank", "example-bank")
    write_delivery("of the platform", "")
    for other in (viewer, engineer):
        assert other.get("/desk/notices").status_code == 404
    page = narrow(shop.organization).get("/desk/notices").text
    assert "of the shop" in page
    assert "of the bank" not in page
    assert "of the platform" not in page
    assert "Channels" not in page


def test_it_is_read_page_by_page_and_by_state(shop: Shop, desk: Client) -> None:
    rows = [
        write_delivery(f"number {number:02d}", state="waiting" if number == 3 else "sent") for number in range(PAGE + 2)
    ]
    first = desk.get("/desk/notices").text
    assert f"number {PAGE + 1:02d}" in first
    assert "number 01" not in first
    assert f'href="/desk/notices?before={rows[2].pk}"' in first
    assert "number 01" in desk.get("/desk/notices", {"before": rows[2].pk}).text
    waiting = desk.get("/desk/notices", {"state": "waiting"}).text
    assert "number 03" in waiting
    assert "number 04" not in waiting


@pytest.mark.parametrize(
    "asked", [{"before": "x"}, {"before": "9" * 40}, {"before": "-1"}, {"state": "' or 1=1"}, {"before": "²"}]
)
def test_nonsense_shows_the_newest(shop: Shop, desk: Client, asked: dict[str, str]) -> None:
    write_delivery("the newest")
    assert "the newest" in desk.get("/desk/notices", asked).text


@pytest.fixture
def reachable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    settings.NOTICE_NETWORKS = ["127.0.0.0/8"]


def test_the_command_says_what_happened(db: None, reachable: None) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Answer:
        heard.append(request)
        return Answer(204)

    said = StringIO()
    with Web(answer) as web:
        make_channel("hook", "webhook", url=f"{web.url}/token", secret="env:HOOK_SECRET")
        call_command("notices", "test", "hook", stdout=said)

    assert said.getvalue().startswith("✓ taken by http://127.0.0.1/…, answer 204 (")
    assert heard[0].body["type"] == "test"
    [entry] = AuditEntry.objects.filter(event="notice.tested")
    data = json.loads(bytes(entry.body))["data"]
    assert data == {"channel": "hook", "to": "http://127.0.0.1/…", "went": True, "status": "204", "detail": ""}


def test_the_command_tells_of_each_receiver(db: None, settings: Settings) -> None:
    said = StringIO()
    with MailServer() as server:
        server.refused = {"gone@example.org": "550 no"}
        mail = {"host": "127.0.0.1", "port": server.port, "username": "", "password": "", "tls": "none"}
        settings.MAIL_SERVER = {**mail, "sender": "console@example.net"}
        make_channel(to=["noc@example.org", "gone@example.org"])
        with pytest.raises(CommandError, match="Not everybody took it"):
            call_command("notices", "test", "night", stdout=said)

    assert [line.partition(" (")[0] for line in said.getvalue().splitlines()] == [
        "✓ taken by n…@example.org, answer 250",
        "✕ not taken by g…@example.org, answer 550: it does not take this address",
    ]


def test_the_command_refuses_plainly(db: None, reachable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make_channel("empty", roles=["example-shop/owners"])
    make_channel("hook", "webhook", url=f"http://{closed_address()}/", secret="env:HOOK_SECRET")
    for channel, says in (
        ("none", "There is no channel none"),
        ("empty", "Nobody in these groups"),
        ("hook", "Not every"),
    ):
        with pytest.raises(CommandError, match=says):
            call_command("notices", "test", channel, stdout=StringIO())
    monkeypatch.delenv("HOOK_SECRET")
    with pytest.raises(CommandError, match="HOOK_SECRET is not set"):
        call_command("notices", "test", "hook")
