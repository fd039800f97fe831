"""The name probe against a real PowerDNS, and against name servers that lie, hang, cut off and ramble."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.domain.errors import InventoryFault
from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.probes.name import MOST_VISITS, Name
from incidents.probes.name_dns import AddressQuestion
from incidents.probes.visits import NO_ADDRESS, NO_TURN
from incidents.wire.deadline import Deadline
from tests.adapters.pdnses import Pdns, pdns_server, rrset
from tests.fakes.certificates import make_identity
from tests.fakes.names import Answers, NameServer, cut_off, reply, silent
from tests.fakes.sockets import Peer, closed_address
from tests.fakes.web import Answer, Request, Web

WWW = "www.shop.example."
ZONE = "shop.example."
HERE = (WWW, "A", "127.0.0.1")
NO_ANSWER = "what came was no answer of the DNS"


def probe(budget_seconds: float = 5, secret: Any = str, **settings: Any) -> Name:
    given = {"name": WWW, **settings}
    return Name.from_settings(name="names", settings=given, secret=secret, budget_seconds=budget_seconds)


def look(probe: Name, address: str) -> tuple[Mark, str]:
    reading = probe.measure([Point(7, "www", "edge-a", address)])[7]
    return reading.mark, reading.detail


@pytest.fixture
def shop() -> Iterator[Web]:
    def answer(request: Request) -> Answer:
        right = request.headers["host"] == "www.shop.example" and (request.path, request.query) == (
            "/health",
            {"full": "1"},
        )
        return Answer(200, "the web shop" if right else f"nobody knows {request.headers['host']}{request.path}")

    with Web(answer) as web:
        yield web


def page(shop: Web, **settings: Any) -> dict[str, Any]:
    """Settings that lead to the page of the shop."""
    port = int(shop.address.rpartition(":")[2])
    return {"port": port, "path": "/health?full=1", "expect_text": "the web shop", **settings}


@pytest.fixture(scope="module")
def pdns() -> Iterator[Pdns]:
    with pdns_server() as server:
        yield server


def test_a_real_server_leads_to_the_page(pdns: Pdns, shop: Web) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "127.0.0.1"))
    reading = probe(**page(shop)).measure([Point(7, "www", "edge-a", pdns.names)])[7]
    assert (reading.mark, reading.detail) == (Mark.PASS, "found and answered")
    assert 0 <= reading.milliseconds < 5000


def test_a_name_that_leads_to_another_one_leads_to_its_page(pdns: Pdns, shop: Web) -> None:
    pdns.zone(ZONE, rrset(WWW, "CNAME", f"front.{ZONE}"), rrset(f"front.{ZONE}", "A", "127.0.0.1"))
    assert look(probe(**page(shop)), pdns.names) == (Mark.PASS, "found and answered")
    pdns.zone(ZONE, rrset(WWW, "CNAME", "front.elsewhere.example."))
    assert look(probe(**page(shop)), pdns.names) == (Mark.FAIL, "the name leads to another one that was not told")
    pdns.zone(ZONE, rrset(WWW, "CNAME", f"gone.{ZONE}"))
    assert look(probe(**page(shop)), pdns.names)[0] is Mark.FAIL


def test_a_set_that_is_too_long_for_a_datagram_comes_over_tcp(pdns: Pdns, shop: Web) -> None:
    many = [f"127.0.0.{number}" for number in range(1, 100)]
    pdns.zone(ZONE, rrset(WWW, "A", *many))
    port = int(shop.address.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        host, _, number = pdns.names.rpartition(":")
        line.sendto(dns.message.make_query(WWW, "A", use_edns=False).to_wire(), (host, int(number)))
        assert line.recv(4096)[2] & 2, "the answer is to be cut off, or this test shows nothing"
    # It listens at 127.0.0.1 alone, which comes first: so the others are looked at too.
    assert look(probe(port=port), pdns.names) == (Mark.FAIL, "found, but the connection was refused")


def test_what_a_real_server_says_of_what_is_not_there(pdns: Pdns, shop: Web) -> None:
    pdns.zone(ZONE, rrset(f"mail.{ZONE}", "A", "127.0.0.1"), rrset(WWW, "TXT", '"nothing"'))
    asked = page(shop)
    assert look(probe(**asked, type="A"), pdns.names) == (Mark.FAIL, "the name has no such record")
    assert look(probe(**asked, name="gone.shop.example"), pdns.names) == (Mark.FAIL, "there is no such name")
    elsewhere = look(probe(**asked, name="www.bank.example"), pdns.names)
    assert elsewhere == (Mark.FAIL, "the name server does not answer for this name")


def test_a_record_that_leads_elsewhere_is_seen(pdns: Pdns, shop: Web) -> None:
    """To where nobody is, to somebody else's page, and to no machine at all."""
    asked = page(shop)
    pdns.zone(ZONE, rrset(WWW, "A", "127.0.0.99"))
    assert look(probe(**asked), pdns.names) == (Mark.FAIL, "found, but the connection was refused")
    pdns.zone(ZONE, rrset(WWW, "A", "127.0.0.1"))
    other = look(probe(**{**asked, "expect_text": "the bank"}), pdns.names)
    assert other == (Mark.FAIL, "found, but answered without the expected text")
    for nobody in ("0.0.0.0", "224.0.0.1", "255.255.255.255"):
        pdns.zone(ZONE, rrset(WWW, "A", nobody))
        assert look(probe(**asked), pdns.names) == (Mark.FAIL, "found, but it leads to no address of a machine")


def test_of_several_addresses_every_one_must_be_right(pdns: Pdns, shop: Web) -> None:
    pdns.zone(ZONE, rrset(WWW, "A", "127.0.0.1", "127.0.0.98"))
    assert look(probe(**page(shop)), pdns.names) == (Mark.FAIL, "found, but the connection was refused")


def test_no_more_than_some_addresses_are_visited(shop: Web) -> None:
    visited: list[str] = []

    class Question:
        def ask(self, host: str, port: int, deadline: Deadline) -> tuple[Sequence[str], str]:
            return ["127.0.0.1"] * 100, ""

    def answer(request: Request) -> Answer:
        visited.append(request.path)
        return Answer(200, "")

    with Web(answer) as web:
        made = probe(port=int(web.address.rpartition(":")[2]))
        made._question = Question()
        assert look(made, "127.0.0.1:53") == (Mark.PASS, "found and answered")
    assert len(visited) == MOST_VISITS


def test_addresses_of_the_new_kind(shop: Web) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nthe shop"

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(4096)
            line.sendall(said)

    with listener, NameServer(lambda query: [reply(query, (WWW, "AAAA", "::1"))]) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        asked = probe(type="AAAA", port=listener.getsockname()[1], expect_text="the shop")
        assert look(asked, server.address) == (Mark.PASS, "found and answered")
        thread.join()
        # Asked for the old kind, the answer to another question is none.
        assert look(probe(0.3, type="A"), server.address)[0] is Mark.FAIL


def test_the_name_must_stand_in_the_certificate(tmp_path: Path) -> None:
    identity = make_identity(tmp_path, "shop", "DNS:www.shop.example")
    with (
        Web(lambda request: Answer(200, "the shop"), identity.server()) as web,
        NameServer(lambda query: [reply(query, (str(dns.message.from_wire(query).question[0].name), *HERE[1:]))]) as ns,
    ):
        port = int(web.address.rpartition(":")[2])
        encrypted: dict[str, Any] = {"port": port, "tls": True, "ca": "file:ca"}
        encrypted["secret"] = lambda reference: identity.certificate.read_text()
        assert look(probe(**encrypted), ns.address) == (Mark.PASS, "found and answered")
        other = look(probe(**encrypted, name="www.bank.example"), ns.address)
        assert other == (Mark.FAIL, "found, but the certificate is not accepted")


@pytest.mark.parametrize(
    ("rcode", "words"),
    [
        (dns.rcode.NXDOMAIN, "there is no such name"),
        (dns.rcode.SERVFAIL, "the name server failed"),
        (dns.rcode.REFUSED, "the name server does not answer for this name"),
        (dns.rcode.NOTAUTH, "the name server does not answer for this name"),
        (dns.rcode.FORMERR, "the name server did not take the question"),
        (dns.rcode.NOTIMP, "the name server did not take the question"),
    ],
)
def test_what_a_server_says_instead(rcode: int, words: str) -> None:
    with NameServer(lambda query: [reply(query, rcode=rcode)]) as server:
        assert look(probe(), server.address) == (Mark.FAIL, words)


def test_an_answer_from_memory_is_none(shop: Web) -> None:
    """A resolver would tell the old record until its time is over; and a lame server says nothing of its own."""
    with NameServer(lambda query: [reply(query, HERE, flags=dns.flags.RA)]) as server:
        assert look(probe(**page(shop)), server.address) == (
            Mark.FAIL,
            "the name server does not answer for this name",
        )


def of_another(query: bytes) -> bytes:
    """A right answer with another number: a guess by somebody who did not see the question."""
    return bytes([query[0] ^ 255, *reply(query, (WWW, "A", "127.0.0.9"))[1:]])


def to_another_question(query: bytes) -> bytes:
    asked = dns.message.make_query("www.bank.example.", "A", use_edns=False)
    asked.id = dns.message.from_wire(query).id
    return reply(asked.to_wire(), ("www.bank.example.", "A", "127.0.0.9"))


@pytest.mark.parametrize("lie", [of_another, to_another_question, lambda query: query, lambda query: b"no message"])
def test_what_is_no_answer_to_our_question_is_passed_over(shop: Web, lie: Any) -> None:
    with NameServer(lambda query: [lie(query), lie(query), reply(query, HERE)]) as server:
        assert look(probe(**page(shop)), server.address) == (Mark.PASS, "found and answered")
    with NameServer(lambda query: [lie(query)]) as server:
        assert look(probe(0.3), server.address) == (Mark.FAIL, "the name server did not answer in time")
    with NameServer(cut_off, lambda query: [lie(query)]) as server:
        assert look(probe(), server.address) == (Mark.FAIL, NO_ANSWER)


def test_a_datagram_that_is_lost_is_sent_again(shop: Web) -> None:
    came: list[bytes] = []

    def second(query: bytes) -> Sequence[bytes]:
        came.append(query)
        return [reply(query, HERE)] if len(came) > 1 else []

    with NameServer(second) as server:
        assert look(probe(**page(shop)), server.address) == (Mark.PASS, "found and answered")
    assert len(set(came)) == 1


@pytest.mark.parametrize(
    ("udp", "tcp"),
    [(silent, silent), (cut_off, silent)],
    ids=["says nothing", "says nothing over TCP"],
)
def test_the_time_is_over(udp: Answers, tcp: Answers) -> None:
    with NameServer(udp, tcp) as server:
        began = time.monotonic()
        assert look(probe(0.8), server.address) == (Mark.FAIL, "the name server did not answer in time")
        assert time.monotonic() - began < 5
        assert server.asked == (2 if udp is silent else 1)


def test_the_time_is_over_however_steadily_it_drips() -> None:
    with NameServer(cut_off, lambda query: [reply(query, HERE)], dripping=True) as server:
        assert look(probe(0.5), server.address) == (Mark.FAIL, "the name server did not answer in time")


def test_asking_and_visiting_have_one_budget() -> None:
    def late(query: bytes) -> Sequence[bytes]:
        time.sleep(0.4)
        return [reply(query, HERE)]

    def hang(line: socket.socket, ended: threading.Event) -> None:
        ended.wait()

    with NameServer(late) as server, Peer(hang) as peer:
        began = time.monotonic()
        asked = probe(1, port=int(peer.address.rpartition(":")[2]))
        assert look(asked, server.address) == (Mark.FAIL, "found, but no answer in time")
        assert time.monotonic() - began < 5


def test_over_tcp_the_whole_answer_is_awaited(shop: Web) -> None:
    with NameServer(cut_off, lambda query: [reply(query, HERE)]) as server:
        assert look(probe(**page(shop)), server.address) == (Mark.PASS, "found and answered")
        assert server.called == 1
    with NameServer(cut_off, cut_off) as server:
        assert look(probe(), server.address) == (Mark.FAIL, NO_ANSWER)
    with NameServer(cut_off, lambda query: [b""]) as server:
        assert look(probe(), server.address) == (Mark.FAIL, NO_ANSWER)


def test_aliases_without_end_end(shop: Web) -> None:
    loop = [(WWW, "CNAME", f"a.{ZONE}"), (f"a.{ZONE}", "CNAME", WWW)]
    with NameServer(lambda query: [reply(query, *loop)]) as server:
        assert look(probe(), server.address)[0] is Mark.FAIL
    chain = [(f"{n or 'www'}.{ZONE}", "CNAME", f"{n + 1}.{ZONE}") for n in range(20)]
    with NameServer(lambda query: [reply(query, *chain, (f"20.{ZONE}", "A", "127.0.0.1"))]) as server:
        assert look(probe(), server.address) == (Mark.FAIL, "the name leads to another one that was not told")


def test_an_address_of_another_name_is_not_ours() -> None:
    with NameServer(lambda query: [reply(query, (f"other.{ZONE}", "A", "127.0.0.1"))]) as server:
        assert look(probe(), server.address) == (Mark.FAIL, "the name has no such record")


def test_nobody_is_there() -> None:
    assert look(probe(), closed_address()) == (Mark.FAIL, "the name server cannot be asked")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=8), cut=st.integers(0, 200))
def test_whatever_comes_is_addresses_or_words(garbler: NameServer, places: list[tuple[int, int]], cut: int) -> None:
    """A right answer with some bytes changed, or its end missing, as it comes over TCP."""
    GARBLED.update(places=places, cut=cut)
    host, _, port = garbler.address.rpartition(":")
    # Without a visit: the address may have become anybody's.
    addresses, wrong = AddressQuestion.of(WWW, "A").ask(host, int(port), Deadline(5))
    assert bool(addresses) != bool(wrong)
    assert all(str(ipaddress.IPv4Address(address)) == address for address in addresses)


GARBLED: dict[str, Any] = {}


@pytest.fixture(scope="module")
def garbler() -> Iterator[NameServer]:
    def garble(query: bytes) -> Sequence[bytes]:
        answer = bytearray(reply(query, (WWW, "CNAME", f"a.{ZONE}"), (f"a.{ZONE}", "A", "127.0.0.1")))
        for place, byte in GARBLED["places"]:
            answer[place % len(answer)] = byte
        return [bytes(answer[: len(answer) - GARBLED["cut"]] if GARBLED["cut"] < len(answer) else answer)]

    with NameServer(cut_off, garble) as server:
        yield server


@pytest.mark.parametrize("address", ["", "127.0.0.1", "ns1.shop.example:53", "127.0.0.1:0", "::1:53"])
def test_an_address_that_is_none_is_our_error(address: str) -> None:
    reading = probe().measure([Point(7, "www", "edge-a", address)])[7]
    assert reading == NO_ADDRESS


def test_many_points_cost_one_budget(shop: Web) -> None:
    with NameServer(silent) as slow, NameServer(lambda query: [reply(query, HERE)]) as quick:
        addresses = [slow.address if number % 4 == 0 else quick.address for number in range(40)]
        points = [Point(number, "www", "edge-a", address) for number, address in enumerate(addresses)]
        began = time.monotonic()
        readings = probe(2, **page(shop)).measure(points)
        assert time.monotonic() - began < 10
    assert [readings[number].mark for number in range(40)] == [
        Mark.FAIL if number % 4 == 0 else Mark.PASS for number in range(40)
    ]


def test_who_has_no_turn_is_told_apart_from_who_does_not_answer() -> None:
    with NameServer(silent) as server:
        points = [Point(number, "www", "edge-a", server.address) for number in range(300)]
        readings = set(probe(0.5).measure(points).values())
    assert readings == {NO_TURN, Reading(Mark.FAIL, -1, "the name server did not answer in time")}


def test_no_points_are_no_readings() -> None:
    assert probe().measure([]) == {}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"name": None}, "settings.name"),
        ({"name": "www.shop.example\r\nX: y"}, "settings.name"),
        ({"name": "www shop.example"}, "settings.name"),
        ({"name": "*.shop.example"}, "settings.name"),
        ({"name": "wörld.example"}, "settings.name"),
        ({"name": "www"}, "settings.name"),
        ({"name": "."}, "settings.name"),
        ({"name": f"{'a' * 64}.example"}, "settings.name"),
        ({"name": ".".join(["a" * 63] * 4) + ".example"}, "settings.name"),
        ({"type": "MX"}, "settings.type"),
        ({"type": "a"}, "settings.type"),
        ({"port": 0}, "settings.port"),
        ({"port": 65536}, "settings.port"),
        ({"port": "80"}, "settings.port"),
        ({"path": "health"}, "settings.path"),
        ({"expect_text": ""}, "settings.expect_text"),
        ({"host": "shop.example"}, "settings.host"),
        ({"requests": 2}, "settings.requests"),
        ({"ca": "file:ca"}, "settings.ca"),
    ],
)
def test_bad_settings(settings: Mapping[str, Any], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        probe(secret=lambda reference: "no certificate", **settings)
    assert fault.value.path == path


def test_the_name_is_needed_and_its_form_is_of_no_matter(shop: Web) -> None:
    with pytest.raises(InventoryFault, match="is missing"):
        Name.from_settings(name="names", settings={}, secret=str, budget_seconds=1)
    with NameServer(lambda query: [reply(query, HERE)]) as server:
        for name in ("WWW.Shop.example", "www.shop.example", "www.shop.example."):
            assert look(probe(**page(shop, name=name)), server.address)[0] is Mark.PASS
