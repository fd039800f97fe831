"""Deliveries: tried again and given up openly, never twice at once, and no channel holds up a run, or another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from incidents.domain.notices import MOST_ATTEMPTS
from incidents.domain.runs import Outcome
from incidents.engine.delivering import Postmen, claim, deliver, due_channels, forget_old
from incidents.models import AuditEntry, Channel, Delivery, DeliveryAttempt, Letter
from tests.engine.test_workers import PATIENCE, ended
from tests.fakes.smtp import MailServer
from tests.fakes.sockets import Peer, closed_address, closing, silent
from tests.fakes.web import Answer, Request, Web
from tests.notices.letters import SECRET
from tests.notices.routes import later, make_channel, make_route
from tests.processes import driver, until, worker
from tests.scene import Scene

STATE = Delivery.State


@pytest.fixture(autouse=True)
def reachable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    settings.NOTICE_NETWORKS = ["127.0.0.0/8"]
    settings.CONSOLE_URL = "https://console.example.net"


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as server:
        settings.MAIL_SERVER = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": "",
            "password": "",
            "tls": "none",
            "sender": "console@example.net",
        }
        yield server


def make_hook(address: str, slug: str = "hook") -> Channel:
    return make_channel(slug, "webhook", url=f"http://{address}/", secret="env:HOOK_SECRET")


def make_delivery(channel: str, to: str = "", key: str = "one") -> Delivery:
    now = timezone.now() - timedelta(seconds=1)
    letter, _ = Letter.objects.get_or_create(
        key=key,
        defaults={
            "at": now,
            "kind": "run-failed",
            "severity": "urgent",
            "organization": "example-shop",
            "subject": "203.0.113.0/24: readvertise prefix failed",
            "path": "/runs/RUN-TEST-01",
        },
    )
    return Delivery.objects.create(letter=letter, channel=channel, to=to, next_at=now, lease_until=now)


def test_what_went_is_in_the_log(db: None) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Answer:
        heard.append(request)
        return Answer(202)

    with Web(answer) as web:
        make_hook(web.address)
        row = make_delivery("hook")
        assert deliver("hook")
        assert deliver("hook"), "nothing is left to do"

    row.refresh_from_db()
    assert (row.state, row.attempts) == (STATE.SENT, 1)
    [attempt] = DeliveryAttempt.objects.all()
    assert (attempt.went, attempt.status, attempt.to) == (True, "202", "http://127.0.0.1/…")
    [request] = heard
    assert request.body["data"]["link"] == "https://console.example.net/runs/RUN-TEST-01"


def test_it_is_tried_again_with_the_same_id_and_given_up_openly(db: None) -> None:
    heard: list[str] = []

    def answer(request: Request) -> Answer:
        heard.append(request.headers["webhook-id"])
        return Answer(503)

    with Web(answer) as web:
        make_hook(web.address)
        row = make_delivery("hook")
        for attempt in range(1, MOST_ATTEMPTS + 1):
            assert not deliver("hook")
            assert deliver("hook"), "not before its time"
            row.refresh_from_db()
            assert (row.attempts, row.state == STATE.GIVEN_UP) == (attempt, attempt == MOST_ATTEMPTS)
            later(24 * 3600)
        assert due_channels() == []

    assert (len(heard), set(heard)) == (MOST_ATTEMPTS, {str(row.letter_id)})
    assert row.because == "it did not take it"
    [entry] = AuditEntry.objects.filter(event="notice.given-up")
    data = json.loads(bytes(entry.body))["data"]
    assert (data["channel"], data["attempts"], data["status"]) == ("hook", MOST_ATTEMPTS, "503")
    assert entry.organization == "example-shop"


def test_gone_is_final(db: None) -> None:
    with Web(lambda request: Answer(410)) as web:
        make_hook(web.address)
        row = make_delivery("hook")
        deliver("hook")
    row.refresh_from_db()
    assert (row.state, row.attempts, row.because) == (STATE.GIVEN_UP, 1, "it wants no more of these")


@pytest.mark.parametrize("channel", ["gone", "night"])
def test_nobody_to_tell_is_given_up_and_said(db: None, channel: str) -> None:
    make_channel("night", roles=["example-shop/owners"])
    row = make_delivery(channel)
    deliver(channel)
    row.refresh_from_db()
    assert row.state == STATE.GIVEN_UP
    assert row.because in ("The channel has left the inventory.", "Nobody in these groups has a mail address.")


def test_a_secret_that_is_gone_is_an_attempt_that_failed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hook(closed_address())
    monkeypatch.delenv("HOOK_SECRET")
    row = make_delivery("hook")
    deliver("hook")
    row.refresh_from_db()
    assert row.state == STATE.WAITING
    assert "HOOK_SECRET is not set" in DeliveryAttempt.objects.get().detail


def test_after_a_failure_the_rest_waits_for_the_next_turn(db: None) -> None:
    with Peer(closing) as peer:
        make_hook(peer.address)
        rows = [make_delivery("hook", key=str(number)) for number in range(5)]
        assert not deliver("hook")
        assert peer.met == 1
    assert Delivery.objects.filter(attempts=0).count() == len(rows) - 1


def test_many_for_one_receiver_are_one_notice(db: None, mail: MailServer) -> None:
    make_channel()
    for number in range(40):
        make_delivery("night", "noc@example.org", str(number))
    make_delivery("night", "boss@example.org", "39")
    assert deliver("night")

    assert sorted(mail.receivers) == ["boss@example.org", "noc@example.org"]
    [letter] = [one for one in mail.letters if one["To"] == "noc@example.org"]
    assert letter["Subject"] == "40 notices: run failed"
    assert "- and 30 more" in letter.get_content()
    assert Delivery.objects.filter(state=STATE.FOLDED).count() == 40
    assert due_channels() == []


def test_programs_get_each_one(db: None) -> None:
    heard: list[str] = []

    def answer(request: Request) -> Answer:
        heard.append(request.headers["webhook-id"])
        return Answer(204)

    with Web(answer) as web:
        make_hook(web.address)
        for number in range(15):
            make_delivery("hook", key=str(number))
        assert deliver("hook")
    assert len(set(heard)) == 15


def test_after_many_the_next_wait_and_come_together(db: None, mail: MailServer) -> None:
    make_channel()
    for number in range(10):
        make_delivery("night", "noc@example.org", str(number))
        assert deliver("night")
    assert len(mail.letters) == 10, "one by one at first"
    for number in range(10, 15):
        Letter.objects.filter(pk=make_delivery("night", "noc@example.org", str(number)).letter_id).update(
            at=timezone.now()
        )
        assert deliver("night")
    assert len(mail.letters) == 10
    Letter.objects.update(at=F("at") - timedelta(seconds=61))
    assert deliver("night")
    assert mail.letters[-1]["Subject"] == "5 notices: run failed"
    assert len(mail.letters) == 11


def test_what_is_old_is_forgotten(db: None) -> None:
    make_delivery("night", key="old")
    make_delivery("night", key="new")
    Letter.objects.filter(key="old").update(at=timezone.now() - timedelta(days=91))
    forget_old()
    assert [row.key for row in Letter.objects.all()] == ["new"]


def test_one_claims_it_and_a_late_owner_writes_nothing(db: None) -> None:
    row = make_delivery("hook")
    first = claim(row.pk)
    assert first is not None
    assert claim(row.pk) is None
    Delivery.objects.update(lease_until=F("next_at"))  # its owner has died, or froze
    second = claim(row.pk)
    assert second is not None
    from incidents.domain.notices import Result
    from incidents.engine.delivering import _settle

    _settle(second, "x", Result(went=True, status="204"), 1)
    _settle(first, "x", Result(went=False, detail="too late"), 1)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (STATE.SENT, 2)
    assert [attempt.number for attempt in DeliveryAttempt.objects.all()] == [2]


def sent(channel: str) -> Callable[[], bool]:
    return lambda: Delivery.objects.filter(channel=channel, state=STATE.SENT).exists()


def test_a_channel_that_hangs_holds_up_no_other(committed: None, mail: MailServer) -> None:
    with Peer(silent) as peer:
        make_hook(peer.address)
        make_hook(closed_address(), "dead")
        make_channel()
        hanging = make_delivery("hook")
        for channel, to in (("dead", ""), ("night", "noc@example.org")):
            make_delivery(channel, to)
        postmen = Postmen()
        postmen.begin()
        until(sent("night"), PATIENCE)
        until(lambda: peer.met == 1, PATIENCE)

        hanging.refresh_from_db()
        assert (peer.met, hanging.state, DeliveryAttempt.objects.filter(delivery=hanging).count()) == (1, "waiting", 0)
        postmen.begin()
        postmen.begin()
        make_delivery("night", "boss@example.org", "two")

        def both() -> bool:
            postmen.begin()
            return len(mail.receivers) == 2

        until(both, PATIENCE)
        assert peer.met == 1, "and it is not asked again while it hangs"
    postmen.wait(PATIENCE)
    assert due_channels() == []


@pytest.mark.parametrize("kind", ["worker", "driver"])
def test_a_run_ends_and_is_told_though_channels_hang(committed_scene: Scene, kind: str, mail: MailServer) -> None:
    with Peer(silent) as peer:
        make_channel()
        hangs = [make_hook(peer.address, f"hook-{number}").slug for number in range(12)]
        make_hook(closed_address(), "dead")
        make_route(channels=[*hangs, "dead", "night"])
        committed_scene.break_()
        environment = {
            "NOTICE_NETWORKS": "127.0.0.0/8",
            "MAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "MAIL_FROM": "console@example.net",
        }
        with worker(**environment) if kind == "worker" else driver(**environment):
            run = committed_scene.start()
            until(lambda: ended(run), PATIENCE)
            assert run.outcome == Outcome.SUCCEEDED
            until(lambda: any("succeeded" in str(letter["Subject"]) for letter in mail.letters), PATIENCE)
        assert peer.met > 0
        assert not Delivery.objects.filter(channel__in=hangs, state=STATE.SENT).exists()
