"""The simulated backend in all its manners, its settings, and what becomes of its token."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.adapters.simulated import Simulated
from incidents.domain.changes import Cause, Reply, State
from incidents.domain.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnreachable,
    HandrailError,
    InventoryFault,
)
from incidents.lab.lab import Lab
from tests.adapters.subjects import Subject
from tests.adapters.subjects.simulated import registry_of
from tests.adapters.support import applied, change, simulated
from tests.fakes.sockets import Peer, closing

KEYS = tuple(f"{location}/203.0.113.0/24" for location in ("edge-a", "edge-b", "edge-c"))
ON: State = {"bound": True, "service": "edge-cdn"}
OFF: State = {"bound": False}
TOKEN = "s3cret-token-of-the-registry"


@pytest.fixture
def registry(world: Lab) -> Iterator[Subject]:
    world.heal()
    yield registry_of(world)
    world.heal()


def adapter_of(registry: Subject, budget_seconds: float = 0.5) -> Simulated:
    return simulated(registry.address, KEYS, budget_seconds, registry.settings)


@pytest.mark.parametrize(
    ("mode", "replies", "done"),
    [
        ("ok", "accepted accepted accepted", 3),
        ("slow", "accepted accepted accepted", 3),
        ("hang", "unanswered unanswered unanswered", 0),
        ("refuse", "refused refused refused", 0),
        ("lie", "accepted accepted accepted", 0),
        ("drop_reply", "unanswered unanswered unanswered", 3),
        ("die", "unanswered unanswered unanswered", 2),
        ("partial", "accepted refused refused", 1),
        ("drip", "unanswered unanswered unanswered", 3),
    ],
)
def test_what_is_told_and_what_is_done(world: Lab, registry: Subject, mode: str, replies: str, done: int) -> None:
    world.mode("registry", mode, seconds=0.1)
    before = len(applied(world))
    receipts = adapter_of(registry).apply([change(key, OFF) for key in KEYS], Cause("key-1"))
    assert [str(receipt.reply) for receipt in receipts] == replies.split()
    world.mode("registry", "ok")
    states = adapter_of(registry).observe(KEYS)
    assert [states[key] for key in KEYS] == [OFF] * done + [ON] * (3 - done)
    entries = applied(world)[before:]
    if mode == "hang":
        assert entries == []
    else:
        assert [entry["performed"] for entry in entries] == [list(KEYS[:done])]
        assert entries[0]["idempotency_key"] == "key-1"


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("hang", BackendTimeout),
        ("drip", BackendTimeout),
        ("refuse", BackendRefused),
        ("drop_reply", BackendUnreachable),
        ("die", BackendUnreachable),
    ],
)
def test_what_observe_learns(world: Lab, registry: Subject, mode: str, error: type[HandrailError]) -> None:
    world.mode("registry", mode)
    began = time.monotonic()
    with pytest.raises(error):
        adapter_of(registry).observe(KEYS)
    assert time.monotonic() - began < 5


def test_a_key_that_the_world_does_not_know_is_refused(registry: Subject) -> None:
    adapter = simulated(registry.address, ["nowhere"], settings=registry.settings)
    with pytest.raises(BackendRefused, match="knows no key nowhere"):
        adapter.observe(["nowhere"])
    assert adapter.apply([change("nowhere", ON)], Cause("k"))[0].reply is Reply.REFUSED


def test_a_wrong_token_is_refused(registry: Subject) -> None:
    with pytest.raises(BackendRefused, match="token is wrong"):
        simulated(registry.address, KEYS).observe(KEYS)


def echoing(line: socket.socket, ended: threading.Event) -> None:
    """Refuses, and repeats the whole request in its refusal."""
    request = line.makefile("rb").readline().decode()
    line.sendall((json.dumps({"ok": False, "error": request}) + "\n").encode())


def test_the_token_reaches_no_message_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN)
    with caplog.at_level(logging.DEBUG), Peer(echoing) as peer:
        adapter = simulated(peer.address, KEYS, settings={"token": f"file:{secret}"})
        with pytest.raises(BackendRefused) as refused:
            adapter.observe(KEYS[:1])
        (receipt,) = adapter.apply([change(KEYS[0], ON)], Cause("k"))
    assert "(secret)" in str(refused.value)
    assert TOKEN not in f"{refused.value!r} {receipt!r} {adapter!r} {caplog.text}"


def test_an_answer_that_is_no_answer_leaves_it_open() -> None:
    def nonsense(line: socket.socket, ended: threading.Event) -> None:
        line.makefile("rb").readline()
        line.sendall(b"no json\n")

    for meet in (nonsense, closing):
        with Peer(meet) as peer:
            adapter = simulated(peer.address, KEYS)
            assert adapter.apply([change(KEYS[0], ON)], Cause("k"))[0].reply is Reply.UNANSWERED
            with pytest.raises(BackendUnreachable):
                adapter.observe(KEYS)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.address"),
        ({"address": 5}, "settings.address"),
        ({"address": "127.0.0.1"}, "settings.address"),
        ({"address": "127.0.0.1:0"}, "settings.address"),
        ({"address": "backend.example:80"}, "settings.address"),
        ({"address": "127.0.0.1:80", "adress": "x"}, "settings.adress"),
        ({"address": "127.0.0.1:80", "backend": ""}, "settings.backend"),
        ({"address": "127.0.0.1:80", "token": TOKEN}, "settings.token"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        Simulated.from_settings(name="r", settings=settings, secret=str, keys=frozenset(), budget_seconds=1)
    assert fault.value.path == path
    assert TOKEN not in str(fault.value)


@pytest.mark.parametrize("key", ["", " edge-a", "edge-a\n", "x" * 201])
def test_bad_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        Simulated.normalize_key(key)


def test_good_keys() -> None:
    assert Simulated.normalize_key("edge-a/203.0.113.0/24") == "edge-a/203.0.113.0/24"
