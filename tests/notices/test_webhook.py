"""Webhooks over real sockets, verified by the library of Standard Webhooks, and where they may not go."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Peer

from incidents.adapters.hook_signing import Signer
from incidents.domain.errors import InventoryFault
from incidents.notices.webhook import LARGEST_ANSWER, Webhook, webhook_of
from tests.fakes.certificates import Identity, make_identity
from tests.fakes.sockets import Peer as Socket
from tests.fakes.sockets import closed_address, closing, dripping, silent
from tests.fakes.web import Answer, Request, Web
from tests.notices.letters import LOOPBACK, POSTING, SECRET, at, in_turn, told, webhook

NAME = "hooks.example.net"


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("identity"), "hooks", f"DNS:{NAME}")


@pytest.fixture
def heard() -> list[Request]:
    return []


@pytest.fixture
def web(heard: list[Request], identity: Identity) -> Iterator[Web]:
    def answer(request: Request) -> Answer:
        heard.append(request)
        return Answer(204)

    with Web(answer, identity.server()) as server:
        yield server


def port_of(web: Web) -> str:
    return web.address.rpartition(":")[2]


def by_name(web: Web, identity: Identity, **more: object) -> Webhook:
    url = f"https://{NAME}:{port_of(web)}/in?team=net"
    given: dict[str, Any] = {"authority": identity.certificate.read_text(), "resolve": at("127.0.0.1"), **more}
    return webhook(url, **given)


def test_the_library_of_the_standard_verifies_it(web: Web, identity: Identity, heard: list[Request]) -> None:
    result = by_name(web, identity).send(POSTING)

    assert (result.went, result.status) == (True, "204")
    [request] = heard
    assert (request.method, request.path, dict(request.query)) == ("POST", "/in", {"team": "net"})
    assert request.headers["host"] == f"{NAME}:{port_of(web)}", "the name, whatever address is connected to"
    body = json.dumps(request.body, separators=(",", ":"))
    verified = Peer(SECRET).verify(body, dict(request.headers))
    assert verified["type"] == "resource-healthy"
    assert verified["timestamp"] == "2026-11-26T03:04:05.000Z"
    assert verified["data"]["subject"] == POSTING.subject
    assert verified["id"] == request.headers["webhook-id"] == POSTING.id
    assert len(body) < 20_000, "the specification asks for less than 20 KB"
    with pytest.raises(Exception, match="No matching signature"):
        Peer(SECRET).verify(body.replace("3 of 3", "0 of 3"), dict(request.headers))


def test_the_certificate_must_be_that_of_the_name(web: Web, tmp_path: Path, heard: list[Request]) -> None:
    other = make_identity(tmp_path, "other", "DNS:other.example.net", "IP:127.0.0.1")
    with Web(lambda request: Answer(204), other.server()) as stranger:
        url = f"https://{NAME}:{port_of(stranger)}/"
        sender = webhook(url, authority=other.certificate.read_text(), resolve=at("127.0.0.1"))
        result = sender.send(POSTING)

    assert not result.went
    assert "certificate" in result.detail
    assert heard == []


def test_a_name_that_changes_after_the_check_leads_nowhere_else(identity: Identity) -> None:
    """DNS rebinding: public when it is looked at, this machine when it is connected to; there is no second look."""
    with Socket(silent) as inside:
        port = inside.address.rpartition(":")[2]
        resolve = in_turn(["203.0.113.7"], ["127.0.0.1"], ["127.0.0.1"])
        url, signer = f"https://{NAME}:{port}/", Signer.read("secret", SECRET)
        # TEST-NET-3 stands for the public address: nobody answers there, so only the connection to us could succeed.
        sender = Webhook(NAME, url, signer, allowed=[ip_network("203.0.113.0/24")], resolve=resolve, budget=0.5)
        first = sender.send(POSTING)
        second = sender.send(POSTING)

        assert not first.went
        assert "127.0.0.1" not in first.detail
        assert second.detail == f"{NAME} leads to 127.0.0.1, which is not on the public Internet"
        assert inside.met == 0


def test_one_private_address_among_several_is_one_too_many() -> None:
    with Socket(silent) as inside:
        url = f"https://{NAME}:{inside.address.rpartition(':')[2]}/"
        sender = webhook(url, allowed=[], resolve=at("198.51.100.1", "8.8.8.8", "127.0.0.1"))

        assert "not on the public Internet" in sender.send(POSTING).detail
        assert inside.met == 0


def test_a_redirect_to_inside_is_not_followed(identity: Identity) -> None:
    with Socket(silent) as inside:
        home = {"Location": f"http://{inside.address}/"}
        with Web(lambda request: Answer(307, headers=home), identity.server()) as web:
            result = by_name(web, identity).send(POSTING)

        assert (result.went, result.status, result.final) == (False, "307", False)
        assert inside.met == 0


@pytest.mark.parametrize(("status", "final"), [(400, False), (410, True), (429, False), (500, False), (302, False)])
def test_only_2xx_counts_and_gone_is_final(identity: Identity, status: int, final: bool) -> None:
    secret = {"error": "token hunter2 is wrong"}
    with Web(lambda request: Answer(status, secret), identity.server()) as web:
        result = by_name(web, identity).send(POSTING)

    assert (result.went, result.status, result.final) == (False, str(status), final)
    assert "hunter2" not in result.detail, "what a receiver writes stands in no log of ours"


def test_an_endless_answer_is_cut_off(identity: Identity) -> None:
    with Web(lambda request: Answer(200, "x" * (LARGEST_ANSWER + 1)), identity.server()) as web:
        result = by_name(web, identity).send(POSTING)

    assert not result.went
    assert "more than 65536 bytes" in result.detail


@pytest.mark.parametrize("meet", [silent, dripping, closing])
def test_a_receiver_that_hangs_drips_or_dies_is_an_attempt_that_failed(meet: object) -> None:
    with Socket(meet) as peer:  # type: ignore[arg-type]
        result = webhook(f"http://{peer.address}/", budget=0.4).send(POSTING)

        assert not result.went
        assert result.detail
        assert peer.met == 1, "nothing is tried twice within one attempt"


def test_a_dead_address_gives_way_to_the_next(web: Web, identity: Identity, heard: list[Request]) -> None:
    assert by_name(web, identity, resolve=at("127.9.9.9", "127.0.0.1")).send(POSTING).went
    assert len(heard) == 1


def test_nobody_listening_and_no_such_name_are_said() -> None:
    assert "could not be reached" in webhook(f"http://{closed_address()}/").send(POSTING).detail

    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert webhook(f"https://{NAME}/", resolve=nowhere).send(POSTING).detail == f"the name {NAME} was not found"


def test_a_look_up_that_hangs_is_given_up() -> None:
    ended = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        ended.wait()
        return []

    try:
        result = webhook(f"https://{NAME}/", resolve=hanging, budget=0.2).send(POSTING)
    finally:
        ended.set()
    assert result.detail == f"the name {NAME} was not found in time"


ALLOWED_NOWHERE = [
    ("https://127.0.0.1/", "not public"),
    ("https://[::1]/", "not public"),
    ("https://[::ffff:127.0.0.1]/", "not public"),
    ("https://[::ffff:7f00:1]/", "not public"),
    ("https://[64:ff9b::10.0.0.1]/", "not public"),
    ("https://[2002:7f00:1::]/", "not public"),
    ("https://10.0.0.1/", "not public"),
    ("https://169.254.169.254/latest/meta-data", "not public"),
    ("https://100.64.0.1/", "not public"),
    ("https://0.0.0.0/", "not public"),
    ("https://[fd00::1]/", "not public"),
    ("https://224.0.0.1/", "not public"),
    ("https://127.0.0.1./", "not public"),
    ("https://0x7f000001/", "write a numeric address"),
    ("https://2130706433/", "write a numeric address"),
    ("https://0177.0.0.1/", "write a numeric address"),
    ("https://127.1/", "write a numeric address"),
    ("https://[fe80::1%25eth0]/", ""),
    ("https://user:pass@hooks.example.net/", "no name, password"),
    ("https://hooks.example.net/#part", "no name, password or fragment"),
    ("http://hooks.example.net/", "must begin with https://"),
    ("ftp://hooks.example.net/", "must begin with https://"),
    ("file:///etc/passwd", ""),
    ("https://", "write a numeric address"),
    ("https://hooks.example.net:99999/", "no address of a receiver"),
    ("https://hooks.example.net/a b", "ASCII letters"),
    ("https://bücher.example/", "ASCII letters"),
]


@pytest.mark.parametrize(("url", "says"), ALLOWED_NOWHERE)
def test_the_inventory_refuses_such_an_address(url: str, says: str) -> None:
    def secret(reference: str) -> str:
        if reference == "env:S":
            return SECRET
        raise InventoryFault("there is no such reference")

    with pytest.raises(InventoryFault) as fault:
        webhook_of("hook", {"url": url, "secret": "env:S"}, secret, allowed=[])
    assert says in fault.value.message


@pytest.mark.parametrize("given", [{}, {"url": "https://hooks.example.net/"}, {"url": "https://a.example", "x": 1}])
def test_the_inventory_refuses_what_is_missing_or_unknown(given: dict[str, object]) -> None:
    with pytest.raises(InventoryFault):
        webhook_of("hook", given, told(), allowed=[])


def test_a_secret_that_is_none_is_refused_and_not_repeated() -> None:
    settings = {"url": "https://hooks.example.net/", "secret": "env:S"}
    with pytest.raises(InventoryFault) as fault:
        webhook_of("hook", settings, told("hunter2"), allowed=[])
    assert "hunter2" not in str(fault.value)
    with pytest.raises(InventoryFault, match="never the secret itself"):
        webhook_of("hook", {**settings, "secret": SECRET}, told(), allowed=[])


def test_networks_that_are_named_may_be_reached_also_without_tls(heard: list[Request]) -> None:
    def answer(request: Request) -> Answer:
        heard.append(request)
        return Answer()

    with Web(answer) as web:
        made = webhook_of("hook", {"url": web.url, "secret": "env:S"}, told(), allowed=LOOPBACK)
        assert made.send(POSTING).went
    assert len(heard) == 1


def test_a_name_whose_answer_is_outside_the_named_networks_is_not_talked_to_in_clear() -> None:
    sender = webhook(f"http://{NAME}/", resolve=at("8.8.8.8"))
    assert "http:// is only for the networks" in sender.send(POSTING).detail


def test_the_log_names_the_host_alone() -> None:
    assert webhook(f"https://{NAME}/services/T0/B0/token").masked() == f"https://{NAME}/…"
