"""The signed hook in particular: what is sent, what proves an answer, redirects, deadlines, secrets, settings."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.hook import LARGEST_ANSWER, Hook
from incidents.domain.changes import Cause, Change, Receipt, Reply
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from tests.adapters.hooks import OTHER, SECRET, Stub, hook, secret_in, signature, standing
from tests.adapters.support import change
from tests.fakes.certificates import make_identity
from tests.fakes.sockets import Peer, dripping
from tests.fakes.web import Request

KEYS = ("plans/shop", "plans/höfe")
BEFORE, AFTER = {"plan": "none"}, {"plan": "gold"}
CAUSE = Cause("run-1:0", "RUN-7K3P-QX", "shop-operator", "the plan\nwas lost")


def rightly(asked: Any) -> Any:
    """What a good hook says."""
    if asked["verb"] == "observe":
        return {"states": dict.fromkeys(asked["keys"], BEFORE)}
    if asked["verb"] == "rehearse":
        return {"findings": []}
    return {"receipts": [{"key": one["key"], "reply": "accepted"} for one in asked["changes"]]}


def batch() -> list[Change]:
    return [change(key, AFTER, before=BEFORE) for key in KEYS]


class Talk:
    """A stub, and an adapter that asks it."""

    def __init__(self, stub: Stub, adapter: Hook) -> None:
        self.stub, self.adapter = stub, adapter

    def refusal(self) -> str:
        """Why an observation learned nothing."""
        with pytest.raises(BackendRefused) as refused:
            self.adapter.observe(KEYS)
        return str(refused.value)

    def receipts(self) -> list[Receipt]:
        return list(self.adapter.apply(batch(), CAUSE))

    def proves_nothing(self, because: str) -> None:
        """Neither question is answered, for this reason."""
        assert self.refusal() == because
        assert self.receipts() == [Receipt(key, Reply.UNANSWERED, because) for key in KEYS]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    stub = Stub(says=rightly)
    with standing(stub) as web:
        adapter = hook(f"{web.url}/handrail/", KEYS, settings=secret_in(tmp_path))
        yield Talk(stub, adapter)
        adapter.close()


# What is sent


def test_each_question_is_one_signed_post_with_its_fields_and_no_others(talk: Talk) -> None:
    changes = [{"key": key, "before": BEFORE, "after": AFTER} for key in KEYS]
    talk.adapter.observe([*KEYS, KEYS[0]])
    labelled = [change(key, {**AFTER, "status": {"label": "gold"}}, {**BEFORE, "status": {}}) for key in KEYS]
    assert talk.adapter.rehearse(labelled) == []
    assert [receipt.reply for receipt in talk.adapter.apply(labelled, CAUSE)] == [Reply.ACCEPTED] * 2
    assert [request.body for request in talk.stub.asked] == [
        {"v": 1, "verb": "observe", "keys": list(KEYS)},
        {"v": 1, "verb": "rehearse", "changes": changes},
        {
            "v": 1,
            "verb": "apply",
            "idempotency_key": "run-1:0",
            "run": "RUN-7K3P-QX",
            "person": "shop-operator",
            "reason": "the plan was lost",
            "changes": changes,
        },
    ]
    # Exactly the path of the setting, with its slash.
    assert {(request.method, request.path) for request in talk.stub.asked} == {("POST", "/handrail/")}
    assert len({request.headers["webhook-id"] for request in talk.stub.asked}) == 3


def test_nothing_is_asked_for_no_changes_and_a_key_is_changed_once(talk: Talk) -> None:
    assert talk.adapter.rehearse([]) == []
    twice = talk.adapter.apply([*batch(), change(KEYS[0], BEFORE, before=AFTER)], CAUSE)
    assert {receipt.reply for receipt in twice} == {Reply.REFUSED}
    assert len(twice) == 3
    assert talk.stub.asked == []


def raw_question(adapter_of: Callable[[str], Hook]) -> tuple[Mapping[str, str], bytes]:
    """The headers, by small letters, and the body of one question, as they came over the line."""
    got: list[bytes] = []

    def meet(line: socket.socket, ended: threading.Event) -> None:
        received = b""
        while not received.endswith(b"}"):
            received += line.recv(65536)
        got.append(received)

    with Peer(meet) as peer, pytest.raises(BackendTimeout):
        adapter_of(f"http://{peer.address}").observe(KEYS)
    head, _, body = got[0].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER, SECRET)], ids=["one", "two"])
def test_a_question_is_signed_by_every_secret(tmp_path: Path, secrets: tuple[str, ...]) -> None:
    headers, body = raw_question(lambda url: hook(url, KEYS, settings=secret_in(tmp_path, *secrets)))
    identifier, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert headers["webhook-signature"].split(" ") == [
        signature(identifier, timestamp, body, secret) for secret in secrets
    ]
    assert "." not in identifier
    assert abs(int(timestamp) - time.time()) < 60


# What proves an answer


def test_a_wrong_signature_proves_nothing(talk: Talk) -> None:
    talk.stub.secret = OTHER
    talk.proves_nothing("the answer of billing proves nothing: its signature is wrong")


def test_an_answer_that_was_changed_on_its_way_proves_nothing(talk: Talk) -> None:
    def signed_before(headers: dict[str, str], request: Request) -> Mapping[str, str]:
        said = json.dumps(rightly(request.body)).replace("accepted", "refused").replace("none", "gold").encode()
        return headers | {"webhook-signature": signature(headers["webhook-id"], headers["webhook-timestamp"], said)}

    talk.stub.spoil = signed_before
    talk.proves_nothing("the answer of billing proves nothing: its signature is wrong")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_an_answer_without_one_of_the_headers_is_not_signed(talk: Talk, name: str) -> None:
    talk.stub.spoil = lambda headers, request: {key: value for key, value in headers.items() if key != name}
    talk.proves_nothing("the answer of billing proves nothing: it is not signed")


@pytest.mark.parametrize("given", ["", "v1", "v1,", "K5oZ", "v2,{}", "v1a,{}", "v1,x{}", "v1, {}", "v1,{}x", "v1,\xe9"])
def test_a_signature_of_another_form_is_wrong(talk: Talk, given: str) -> None:
    talk.stub.spoil = lambda headers, request: (
        headers | {"webhook-signature": given.format(headers["webhook-signature"].removeprefix("v1,"))}
    )
    talk.proves_nothing("the answer of billing proves nothing: its signature is wrong")


def test_any_of_several_signatures_is_enough(talk: Talk) -> None:
    talk.stub.spoil = lambda headers, request: (
        headers | {"webhook-signature": f"v1,AAAA v1a,BBBB {headers['webhook-signature']} v1,CCCC"}
    )
    assert talk.adapter.observe(KEYS) == dict.fromkeys(KEYS, BEFORE)


@pytest.mark.parametrize("theirs", [SECRET, OTHER])
def test_while_one_secret_takes_over_an_answer_by_either_is_believed(tmp_path: Path, theirs: str) -> None:
    with standing(Stub(says=rightly, secret=theirs)) as web:
        adapter = hook(web.url, KEYS, settings=secret_in(tmp_path, OTHER, SECRET))
        assert adapter.observe(KEYS) == dict.fromkeys(KEYS, BEFORE)
        adapter.close()


def test_the_answer_to_another_question_is_not_believed(talk: Talk) -> None:
    """Rightly signed, of this minute, and even to the same question: what was said before is not what is."""
    kept: list[dict[str, str]] = []

    def replay(headers: dict[str, str], request: Request) -> Mapping[str, str]:
        kept.append(headers)
        return kept[0]

    talk.stub.spoil = replay
    assert talk.adapter.observe(KEYS) == dict.fromkeys(KEYS, BEFORE)
    assert talk.refusal() == "the answer of billing proves nothing: it answers another question"
    talk.stub.says = lambda asked: {"states": dict.fromkeys(KEYS, BEFORE)}
    assert {receipt.reply for receipt in talk.receipts()} == {Reply.UNANSWERED}


def test_our_own_question_sent_back_is_no_answer(talk: Talk) -> None:
    """It has the right id and is signed by the right secret, so the fields have to tell them apart."""
    talk.stub.says = lambda asked: json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    talk.stub.spoil = lambda headers, request: {
        name: value for name, value in request.headers.items() if name.startswith("webhook-")
    }
    assert "has a field that is not known" in talk.refusal()
    assert {receipt.reply for receipt in talk.receipts()} == {Reply.UNANSWERED}


@pytest.mark.parametrize("seconds", [-320, 320])
def test_a_time_that_is_too_far_from_ours_proves_nothing(talk: Talk, seconds: int) -> None:
    talk.stub.seconds = seconds
    talk.proves_nothing("the answer of billing proves nothing: its time is not within 5 minutes of ours")


@pytest.mark.parametrize("seconds", [-280, 280])
def test_clocks_may_differ_a_little(talk: Talk, seconds: int) -> None:
    talk.stub.seconds = seconds
    assert talk.adapter.observe(KEYS) == dict.fromkeys(KEYS, BEFORE)


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "nan", "1700000000.5", "9" * 5000])
def test_a_time_that_is_none_proves_nothing(talk: Talk, timestamp: str) -> None:
    def spoil(headers: dict[str, str], request: Request) -> Mapping[str, str]:
        said = json.dumps(rightly(request.body)).encode()
        signed = signature(headers["webhook-id"], timestamp, said)
        return headers | {"webhook-timestamp": timestamp, "webhook-signature": signed}

    talk.stub.spoil = spoil
    talk.proves_nothing("the answer of billing proves nothing: its time is not within 5 minutes of ours")


# What is no answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://{}/", "//{}/handrail/"])
def test_a_redirect_is_refused_and_never_followed(talk: Talk, status: int, where: str) -> None:
    """Such as to an address that only we can reach."""
    with Peer(dripping) as private:
        talk.stub.status = status
        talk.stub.spoil = lambda headers, request: headers | {"Location": where.format(private.address)}
        talk.proves_nothing("billing answered with a redirect, which is not followed")
        assert private.met == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "billing does not accept our signature: is the secret the same, and the time?"),
        (500, "billing gave no answer, with status 500"),
        (404, "billing gave no answer, with status 404"),
        (201, "billing gave no answer, with status 201"),
        (429, "billing gave no answer, with status 429"),
    ],
)
def test_only_a_200_is_an_answer_even_if_others_are_signed(talk: Talk, status: int, words: str) -> None:
    talk.stub.status = status
    talk.proves_nothing(words)


def test_what_is_larger_than_the_limit_is_cut_off(talk: Talk) -> None:
    talk.stub.says = lambda asked: json.dumps(rightly(asked)) + " " * LARGEST_ANSWER
    with pytest.raises(BackendTimeout, match="billing answered more than 1048576 bytes"):
        talk.adapter.observe(KEYS)
    assert {receipt.reply for receipt in talk.receipts()} == {Reply.UNANSWERED}


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    sent = 0

    def pour(line: socket.socket, ended: threading.Event) -> None:
        nonlocal sent
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        while sent < 100 * 1024 * 1024:
            sent += line.send(b" " * 65536)

    with Peer(pour) as peer:
        adapter = hook(f"http://{peer.address}", KEYS, 20, secret_in(tmp_path))
        with pytest.raises(BackendTimeout, match="more than 1048576 bytes"):
            adapter.observe(KEYS)
        adapter.close()
    # What the sockets hold besides is a few megabytes at most.
    assert sent < 20 * 1024 * 1024


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nwebhook-id: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["headers", "body", "endless"],
)
def test_the_deadline_holds_against_an_answer_that_drips(tmp_path: Path, beginning: bytes) -> None:
    def meet(line: socket.socket, ended: threading.Event) -> None:
        line.recv(65536)
        line.sendall(beginning)
        dripping(line, ended)

    with Peer(meet) as peer:
        adapter = hook(f"http://{peer.address}", KEYS, 0.4, secret_in(tmp_path))
        began = time.monotonic()
        with pytest.raises(BackendTimeout):
            adapter.observe(KEYS)
        assert {receipt.reply for receipt in adapter.apply(batch(), CAUSE)} == {Reply.UNANSWERED}
        assert time.monotonic() - began < 5
        adapter.close()


# Secrets


def test_the_secret_is_in_no_message_no_log_and_no_state(
    talk: Talk, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    bare = SECRET.removeprefix("whsec_")
    texts = []
    leaks: list[Callable[[Any], Any]] = [
        lambda asked: {"states": {KEYS[0]: BEFORE, KEYS[1]: {"leak": ["x", {"y": SECRET}]}}},
        lambda asked: {"states": {KEYS[0]: BEFORE, KEYS[1]: {"plan": "none", "status": {"label": bare}}}},
        lambda asked: {"states": {KEYS[0]: BEFORE, KEYS[1]: BEFORE, SECRET: BEFORE}},
        lambda asked: {SECRET: {}},
        lambda asked: json.dumps({SECRET: {}}).replace("w", "\\u0077"),
        lambda asked: bare,
    ]
    with caplog.at_level(logging.DEBUG):
        for said in leaks:
            talk.stub.says = said
            texts.append(talk.refusal())
        talk.stub.says = lambda asked: {
            "receipts": [{"key": key, "reply": "refused", "detail": SECRET} for key in KEYS]
        }
        texts += [repr(receipt) for receipt in talk.receipts()]
    everything = " ".join([*texts, repr(talk.adapter), repr(vars(talk.adapter)), caplog.text])
    assert texts[0].endswith("cannot be used: it holds the secret that it is signed with")
    assert bare not in everything
    assert "a secret of the test suite" not in everything


# TLS


def test_by_tls_only_the_authority_that_was_given_is_trusted(tmp_path: Path) -> None:
    identity = make_identity(tmp_path, "hook", "IP:127.0.0.1")
    stranger = make_identity(tmp_path, "stranger", "IP:127.0.0.1")
    stub = Stub(says=rightly)
    with standing(stub, identity.server()) as web:
        known = hook(web.url, KEYS, settings={**secret_in(tmp_path), "ca": f"file:{identity.certificate}"})
        assert known.observe(KEYS) == dict.fromkeys(KEYS, BEFORE)
        other = hook(web.url, KEYS, settings={**secret_in(tmp_path), "ca": f"file:{stranger.certificate}"})
        with pytest.raises(BackendUnreachable, match="the certificate of billing is not accepted"):
            other.observe(KEYS)
        assert {receipt.reply for receipt in other.apply(batch(), CAUSE)} == {Reply.NOT_SENT}
        assert len(stub.asked) == 1
        known.close()
        other.close()


# Settings and keys

URL = "https://hook.example/handrail"


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"secret": "env:S"}, "settings.url"),
        ({"url": URL}, "settings.secret"),
        ({"url": 5, "secret": "env:S"}, "settings.url"),
        ({"url": "http://hook.example/", "secret": "env:S"}, "settings.url"),
        ({"url": "http://localhost/", "secret": "env:S"}, "settings.url"),
        ({"url": "http://10.0.0.1/", "secret": "env:S"}, "settings.url"),
        ({"url": f"{URL}?key=1", "secret": "env:S"}, "settings.url"),
        ({"url": "https://u:p@hook.example/", "secret": "env:S"}, "settings.url"),
        ({"url": "https://hook.example:x/", "secret": "env:S"}, "settings.url"),
        ({"url": URL, "secret": SECRET}, "settings.secret"),
        ({"url": URL, "secret": "env:S", "token": "env:T"}, "settings.token"),
        ({"url": URL, "secret": "env:S", "ca": "env:S"}, "settings.ca"),
        ({"url": "http://127.0.0.1/", "secret": "env:S", "ca": "env:S"}, "settings.ca"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as found:
        Hook.from_settings(
            name="billing", settings=settings, secret=lambda reference: SECRET, keys=frozenset(), budget_seconds=1
        )
    assert found.value.path == path
    assert SECRET.removeprefix("whsec_") not in str(found.value)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_c2hvcnQ=",
        f"whsec_{'QUFB' * 22}",
        f"whsec_!{SECRET[6:]}",
        f"{SECRET}=====x",
        f"whsec_{'ä' * 40}",
        f"{SECRET} {OTHER} {SECRET}",
        f"{SECRET},{OTHER}",
    ],
)
def test_bad_secrets(text: str) -> None:
    with pytest.raises(InventoryFault) as found:
        Hook.from_settings(
            name="billing",
            settings={"url": URL, "secret": "env:S"},
            secret=lambda reference: text,
            keys=frozenset(),
            budget_seconds=1,
        )
    assert found.value.path == "settings.secret"
    for word in text.split():
        assert not word[6:] or word[6:] not in str(found.value)


@pytest.mark.parametrize("key", ["", " plans/shop", "plans/shop\n", "a\u202eb", "a\0b", "x" * 201])
def test_bad_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        Hook.normalize_key(key)
    with pytest.raises(InventoryFault):
        hook("http://127.0.0.1", [key], settings={"secret": "file:/dev/null"})


def test_good_keys() -> None:
    for key in (*KEYS, "203.0.113.0/24", "x" * 200, "a b", "{}"):
        assert Hook.normalize_key(key) == key
