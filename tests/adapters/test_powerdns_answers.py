"""What the PowerDNS adapter makes of each answer and of none, who gets its key, and its settings."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters import powerdns_api
from incidents.adapters.powerdns import PowerDns
from incidents.adapters.powerdns_api import Api
from incidents.domain.changes import Cause, Receipt, Reply, State, settings_of
from incidents.domain.errors import AdapterError, BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client
from tests.adapters.pdnses import API_KEY, Pdns, Relay, powerdns, rrset
from tests.adapters.support import change
from tests.fakes.certificates import make_identity
from tests.fakes.sockets import Peer
from tests.fakes.web import Answer, Request, Web

ZONE = "shop.example."
WWW, API = f"www.{ZONE}", f"api.{ZONE}"
KEY, OTHER = f"{ZONE}/{WWW}/A", f"{ZONE}/{API}/A"
OLD: State = {"type": "A", "ttl": 300, "records": ["192.0.2.1"]}
NEW: State = {"type": "A", "ttl": 300, "records": ["192.0.2.2"]}
CAUSE = Cause("k", "RUN-TEST-01", "shop-operator", "a test")

Make = Callable[..., PowerDns]


@pytest.fixture
def relay(pdns: Pdns) -> Iterator[Relay]:
    """Before a zone with two sets that are at `OLD`."""
    pdns.zone(ZONE, rrset(WWW, "A", "192.0.2.1"), rrset(API, "A", "192.0.2.1"))
    with Relay(pdns) as relay:
        yield relay


@pytest.fixture
def make(pdns: Pdns, relay: Relay) -> Iterator[Make]:
    """Keys -> an adapter that speaks to the relay, closed in the end."""
    made: list[PowerDns] = []

    def of(*keys: str, budget: float = 0.8) -> PowerDns:
        made.append(powerdns(relay.address, keys or (KEY,), budget, pdns.settings))
        return made[-1]

    yield of
    for adapter in made:
        adapter.close()


def apply_one(adapter: PowerDns, after: State = NEW, before: State = OLD) -> Receipt:
    (receipt,) = adapter.apply([change(KEY, after, before)], CAUSE)
    return receipt


# What is told of a change


@pytest.mark.parametrize(
    ("mode", "reply", "done", "words"),
    [
        ("ok", "accepted", True, ""),
        ("hang", "unanswered", False, "did not answer"),
        ("cut", "unanswered", False, "did not answer"),
        ("lie", "accepted", False, ""),
        ("drop_reply", "unanswered", True, "did not answer"),
        ("stall", "unanswered", True, "did not answer"),
        ("refuse", "refused", False, "refused, with status 422: Not with (our key): it cannot be parsed"),
        ("forbid", "refused", False, "does not accept our API key"),
        ("broken", "unanswered", False, "no usable answer, with status 502"),
        ("garbage", "unanswered", False, "no usable answer, with status 200"),
        ("redirect", "unanswered", False, "no usable answer, with status 307"),
        ({}, "unanswered", False, "no usable answer, with status 200"),
    ],
)
def test_what_is_told_of_a_request(
    pdns: Pdns, relay: Relay, make: Make, mode: Any, reply: str, done: bool, words: str
) -> None:
    relay.modes["PATCH"] = mode
    adapter = make()
    receipt = apply_one(adapter)
    assert str(receipt.reply) == reply
    assert words in receipt.detail
    assert len(receipt.detail) < 300
    assert relay.asked("PATCH") == 1
    assert pdns.contents(ZONE, WWW) == ["192.0.2.2" if done else "192.0.2.1"]
    assert settings_of(adapter.observe([KEY])[KEY]) == (NEW if done else OLD)
    # Whatever it was, asking again ends where it should.
    relay.modes.clear()
    assert apply_one(adapter).reply is Reply.ACCEPTED
    assert pdns.contents(ZONE, WWW) == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("mode", "reply", "error"),
    [
        ("hang", "not_sent", BackendTimeout),
        ("cut", "not_sent", BackendTimeout),
        ("drop_reply", "not_sent", BackendTimeout),
        ("refuse", "refused", BackendRefused),
        ("forbid", "refused", BackendRefused),
        ("lie", "not_sent", BackendRefused),
        ("broken", "not_sent", BackendRefused),
        ("garbage", "not_sent", BackendRefused),
        ("redirect", "not_sent", BackendRefused),
    ],
)
def test_what_a_look_that_fails_means(
    relay: Relay, make: Make, mode: str, reply: str, error: type[AdapterError]
) -> None:
    """Nothing is sent to change anything when it could not be compared; a second try may do it."""
    relay.modes["GET"] = mode
    adapter = make()
    assert str(apply_one(adapter).reply) == reply
    with pytest.raises(error):
        adapter.observe([KEY])
    with pytest.raises(error):
        adapter.rehearse([change(KEY, NEW, OLD)])
    assert relay.asked("PATCH") == 0
    relay.modes.clear()
    assert apply_one(adapter).reply is Reply.ACCEPTED


SET = {"name": WWW, "type": "A", "ttl": 300, "records": [{"content": "192.0.2.1", "disabled": False}], "comments": []}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"name": ZONE, "kind": "Native"},
        {"name": ZONE, "kind": "Native", "rrsets": None},
        {"name": ZONE, "kind": "Native", "rrsets": {}},
        {"name": "other.example.", "kind": "Native", "rrsets": [SET]},
        {"kind": "Native", "rrsets": [SET]},
        {"name": ZONE, "kind": "Native", "rrsets": ["www"]},
        {"name": ZONE, "kind": "Native", "rrsets": [{}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "name": None}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "type": 1}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "ttl": "300"}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "records": None}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "records": ["192.0.2.1"]}]},
        {"name": ZONE, "kind": "Native", "rrsets": [{**SET, "records": [{"content": None}]}]},
        {"name": ZONE, "kind": "Native", "rrsets": [SET, SET]},
        {"name": ZONE, "kind": "Native", "rrsets": [SET, {**SET, "name": WWW.upper(), "records": []}]},
    ],
)
def test_an_answer_that_is_no_zone_teaches_nothing(relay: Relay, make: Make, body: Any) -> None:
    """Least of all that a set is gone."""
    relay.modes["GET"] = body
    adapter = make()
    with pytest.raises(BackendRefused):
        adapter.observe([KEY])
    assert apply_one(adapter).reply is Reply.NOT_SENT
    assert relay.asked("PATCH") == 0


@pytest.mark.parametrize(
    "other", [{**SET, "name": f"x.{WWW}"}, {**SET, "type": "AAAA"}, {**SET, "name": "www.shop.example"}]
)
def test_another_name_or_type_is_never_taken_for_ours(relay: Relay, make: Make, other: Any) -> None:
    relay.modes["GET"] = {"name": ZONE, "kind": "Native", "rrsets": [other]}
    adapter = make()
    assert settings_of(adapter.observe([KEY])[KEY]) == {"type": "A", "ttl": 0, "records": []}
    assert apply_one(adapter).reply is Reply.REFUSED
    assert relay.asked("PATCH") == 0


@pytest.mark.parametrize("kind", ["Slave", "Secondary", "Consumer", "Forwarded", "", None])
def test_only_kinds_that_are_known_to_be_ours_are_changed(relay: Relay, make: Make, kind: str | None) -> None:
    relay.modes["GET"] = {"name": ZONE, "kind": kind, "rrsets": [SET]}
    receipt = apply_one(make())
    assert receipt.reply is Reply.REFUSED
    assert "copied from another server" in receipt.detail
    assert relay.asked("PATCH") == 0


def test_a_database_that_takes_no_change_now(pdns: Pdns, make: Make) -> None:
    """The server says only that something went wrong inside it, so nobody claims that nothing was done."""
    connection = sqlite3.connect(pdns.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        receipt = apply_one(make(budget=5))
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert receipt.reply is Reply.UNANSWERED
    assert "with status 500" in receipt.detail
    assert pdns.contents(ZONE, WWW) == ["192.0.2.1"]


# How much is asked


def test_a_batch_costs_one_look_and_one_request_a_zone(pdns: Pdns, relay: Relay, make: Make) -> None:
    pdns.zone("two.example.", rrset("two.example.", "A", "192.0.2.1"))
    second = "two.example./two.example./A"
    keys = [KEY, second, OTHER]
    adapter = make(*keys, budget=5)
    assert list(adapter.observe(keys)) == keys
    assert sorted(relay.calls) == [
        ("GET", f"/api/v1/servers/localhost/zones/{zone}") for zone in (ZONE, "two.example.")
    ]
    receipts = adapter.apply([change(key, NEW, OLD) for key in keys], CAUSE)
    assert receipts == [Receipt(key, Reply.ACCEPTED) for key in keys]
    assert (relay.asked("GET"), relay.asked("PATCH")) == (4, 2)
    again = adapter.apply([change(key, NEW, OLD) for key in keys], CAUSE)
    assert again == [Receipt(key, Reply.ACCEPTED, "it is so already") for key in keys]
    assert relay.asked("PATCH") == 2


def test_whose_turn_does_not_come_in_time_sends_nothing(pdns: Pdns, relay: Relay, make: Make) -> None:
    adapter = make(budget=0.3)
    client = Client("dns", f"http://{relay.address}/")
    other = Api(name="dns", client=client, server="localhost", secret="-", zones=frozenset({ZONE}))
    with other.turn(ZONE, Deadline(1)):
        receipt = apply_one(adapter)
        assert adapter.observe([KEY])
    assert receipt.reply is Reply.NOT_SENT
    assert "no time was left when it was our turn to change shop.example." in receipt.detail
    assert apply_one(adapter).reply is Reply.ACCEPTED
    other.close()


def test_whoever_writes_to_one_zone_keeps_no_reader_of_another_waiting(pdns: Pdns, relay: Relay, make: Make) -> None:
    """A request that hangs holds back the requests to its server, for its own budget, and looks at none."""
    pdns.zone("two.example.", rrset("two.example.", "A", "192.0.2.1"))
    second = "two.example./two.example./A"
    relay.modes["PATCH"] = "hang"
    slow, quick = make(KEY, budget=3), make(second, budget=0.3)
    thread = threading.Thread(target=apply_one, args=(slow,))
    thread.start()
    while not relay.asked("PATCH"):
        assert thread.is_alive()
    (receipt,) = quick.apply([change(second, NEW, OLD)], CAUSE)
    assert receipt.reply is Reply.NOT_SENT
    assert settings_of(quick.observe([second])[second]) == OLD
    thread.join()
    assert relay.asked("PATCH") == 1


def test_turns_of_nobody_are_not_kept(pdns: Pdns) -> None:
    zone = "once.example."
    adapter = powerdns(pdns.address, [f"{zone}/{zone}/A"], settings=pdns.settings)
    assert any(key[2] == zone for key in powerdns_api._TURNS)
    adapter.close()
    del adapter
    assert not any(key[2] == zone for key in powerdns_api._TURNS)


def test_an_api_that_is_asked_for_nothing_or_another_zone_sends_nothing(relay: Relay) -> None:
    client = Client("dns", f"http://{relay.address}")
    api = Api(name="dns", client=client, server="localhost", secret="-", zones=frozenset({ZONE}))
    with pytest.raises(ValueError, match="nothing"):
        api.replace(ZONE, [], Deadline(1))
    for zone in ("other.example.", "", "../localhost", f"{ZONE}/"):
        with pytest.raises(ValueError, match="no zone of this backend"):
            api.zone(zone, Deadline(1))
        with pytest.raises(ValueError, match="no zone of this backend"):
            api.replace(zone, [{}], Deadline(1))
    assert relay.calls == []
    api.close()


def test_an_answer_without_end_is_cut_off(pdns: Pdns) -> None:
    size = 100 * 1024 * 1024
    sent = []

    def flood(line: socket.socket, ended: threading.Event) -> None:
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(100):
            line.sendall(b" " * (size // 100))
            sent.append(1)

    with Peer(flood) as peer:
        adapter = powerdns(peer.address, [KEY], 10, pdns.settings)
        with pytest.raises(BackendTimeout, match="answered more than"):
            adapter.observe([KEY])
        assert apply_one(adapter).reply is Reply.NOT_SENT
        adapter.close()
    assert len(sent) < 2 * 60


# The key, and who gets it


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_the_key_is_in_no_message(
    relay: Relay, make: Make, method: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    for mode in ("refuse", "forbid", "broken", "garbage", "redirect", "hang", "cut"):
        relay.modes = {method: mode}
        adapter = make(budget=0.3)
        try:
            told.append(repr(adapter.observe([KEY])))
        except AdapterError as error:
            told.append(f"{error} {error!r}")
        told += [apply_one(adapter).detail, repr(adapter), repr(vars(adapter))]
    everything = "".join([*told, *capfd.readouterr(), caplog.text])
    assert "(our key)" in everything
    assert API_KEY[:8] not in everything


def test_a_key_that_the_server_does_not_know(pdns: Pdns, relay: Relay, tmp_path: Path) -> None:
    wrong = tmp_path / "key"
    wrong.write_text("another-key")
    adapter = powerdns(pdns.address, [KEY], settings={"api_key": f"file:{wrong}"})
    with pytest.raises(BackendRefused, match="dns does not accept our API key"):
        adapter.observe([KEY])
    assert apply_one(adapter).reply is Reply.REFUSED
    adapter.close()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_no_redirect_is_followed(relay: Relay, make: Make, method: str) -> None:
    met: list[Request] = []

    def answer(request: Request) -> Answer:
        met.append(request)
        return Answer(204, "")

    with Web(answer) as elsewhere:
        relay.modes[method], relay.elsewhere = "redirect", f"{elsewhere.url}/api/v1/servers/localhost/zones/{ZONE}"
        assert apply_one(make()).reply is not Reply.ACCEPTED
    assert met == []


@pytest.mark.parametrize(
    ("names", "trusted", "words"),
    [
        (("IP:127.0.0.1",), True, ""),
        (("DNS:dns.example",), True, "the certificate of dns is not accepted: ip address mismatch"),
        (("IP:127.0.0.1",), False, "the certificate of dns is not accepted: self-signed certificate"),
    ],
)
def test_the_key_goes_only_to_whom_the_certificate_names(
    pdns: Pdns, tmp_path: Path, names: tuple[str, ...], trusted: bool, words: str
) -> None:
    identity = make_identity(tmp_path, "dns", *names)
    met: list[Request] = []

    def answer(request: Request) -> Answer:
        met.append(request)
        return Answer(200, {"name": ZONE, "kind": "Native", "rrsets": [SET]})

    with Web(answer, identity.server()) as web:
        ca = {"ca": f"file:{identity.certificate}"} if trusted else {}
        adapter = powerdns("", [KEY], settings={"url": web.url, **pdns.settings, **ca})
        if words:
            with pytest.raises(BackendUnreachable, match=words):
                adapter.observe([KEY])
            assert apply_one(adapter) == Receipt(KEY, Reply.NOT_SENT, words)
            assert met == []
        else:
            assert settings_of(adapter.observe([KEY])[KEY]) == OLD
            assert [request.headers["x-api-key"] for request in met] == [API_KEY]
        adapter.close()


# Settings

GOOD: Mapping[str, object] = {"url": "https://dns.example:8081", "api_key": "file:key"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"url": None}, "settings.url"),
        ({"url": ""}, "settings.url"),
        ({"url": "http://dns.example:8081"}, "settings.url"),
        ({"url": "http://localhost:8081"}, "settings.url"),
        ({"url": "http://192.0.2.1:8081"}, "settings.url"),
        ({"url": "ftp://127.0.0.1/"}, "settings.url"),
        ({"url": f"https://user:{API_KEY}@dns.example"}, "settings.url"),
        ({"url": "https://dns.example:8081/api/v1"}, "settings.url"),
        ({"url": "https://dns.example:8081/api/v1/servers/localhost"}, "settings.url"),
        ({"api_key": API_KEY}, "settings.api_key"),
        ({"api_key": 7}, "settings.api_key"),
        ({"api-key": "file:key"}, "settings.api-key"),
        ({"server": ""}, "settings.server"),
        ({"server": ".."}, "settings.server"),
        ({"server": "localhost/zones"}, "settings.server"),
        ({"server": "localhost?x"}, "settings.server"),
        ({"server": "localhost\n"}, "settings.server"),
        ({"ca": "file:key"}, "settings.ca"),
        ({"ca": "file:key", "url": "http://127.0.0.1:1"}, "settings.ca"),
    ],
)
def test_a_setting_that_is_wrong_is_a_fault(settings: Mapping[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        _made({**GOOD, **settings})
    assert caught.value.path == path
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("missing", ["url", "api_key"])
def test_a_setting_that_is_missing_is_a_fault(missing: str) -> None:
    with pytest.raises(InventoryFault, match="is missing"):
        _made({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize("api_key", ["two words", "line\nbreak", "kéy", " "])
def test_a_key_that_no_header_can_hold_is_a_fault_and_not_repeated(api_key: str) -> None:
    with pytest.raises(InventoryFault) as caught:
        _made(GOOD, api_key)
    assert caught.value.path == "settings.api_key"
    assert api_key not in caught.value.message.split(": ")


def test_settings_that_are_right() -> None:
    more = {"server": "localhost", "url": "http://[::1]:8081/dns"}
    for settings in (GOOD, {**GOOD, **more}):
        _made(settings, f"{API_KEY}\n").close()


def test_a_key_in_another_form_is_a_fault() -> None:
    with pytest.raises(InventoryFault, match="one form"):
        _made(GOOD, keys=frozenset({KEY.upper()}))


def _made(settings: Mapping[str, object], api_key: str = API_KEY, keys: frozenset[str] = frozenset({KEY})) -> PowerDns:
    return PowerDns.from_settings(name="dns", settings=settings, secret=lambda _: api_key, keys=keys, budget_seconds=1)
