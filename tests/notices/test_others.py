"""What apprise reaches: with the package, over a real socket; without it, a plain word in the plan."""

from __future__ import annotations

import importlib.util

import pytest

from incidents.domain.errors import InventoryFault
from incidents.notices.others import other_of
from tests.fakes.sockets import Peer, closed_address, silent
from tests.fakes.web import Answer, Request, Web
from tests.notices.letters import POSTING, told

# apprise 2.3 imports a module that Python 3.13 has no more, and does without it there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SETTINGS = {"url": "env:CHAT"}


def test_it_is_sent() -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Answer:
        heard.append(request)
        return Answer()

    with Web(answer) as web:
        result = other_of("chat", SETTINGS, told(f"json://{web.address}/")).send(POSTING)

    assert result.went
    [request] = heard
    assert request.body["title"] == POSTING.subject
    assert POSTING.link in request.body["message"]


def test_a_refusal_and_a_dead_receiver_are_attempts_that_failed() -> None:
    with Web(lambda request: Answer(500)) as web:
        assert not other_of("chat", SETTINGS, told(f"json://{web.address}/")).send(POSTING).went
    assert not other_of("chat", SETTINGS, told(f"json://{closed_address()}/")).send(POSTING).went


def test_a_receiver_that_hangs_is_given_up() -> None:
    with Peer(silent) as peer:
        sender = other_of("chat", SETTINGS, told(f"json://{peer.address}/?rto=0.5"))
        sender._budget = 0.2
        result = sender.send(POSTING)
    assert (result.went, result.detail) == (False, "chat took too long")


def test_the_plan_says_that_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InventoryFault, match="needs the package apprise, which is not installed here"):
        other_of("chat", SETTINGS, told("json://hooks.example.net"))


def test_an_address_that_it_does_not_know_is_refused_and_not_repeated() -> None:
    with pytest.raises(InventoryFault) as fault:
        other_of("chat", SETTINGS, told("nonsense://hunter2"))
    assert "hunter2" not in str(fault.value)


def test_its_address_is_a_secret() -> None:
    with pytest.raises(InventoryFault, match="never the secret itself"):
        other_of("chat", {"url": "json://hooks.example.net"}, told())
    assert other_of("chat", SETTINGS, told("json://token@hooks.example.net")).masked() == "chat (by apprise)"
