"""The HTTP probe against peers that answer rightly, wrongly, slowly, half, and not at all."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from incidents.domain.errors import InventoryFault
from incidents.domain.verdicts import Mark, Reading
from incidents.probes.base import Point
from incidents.probes.http import Http
from incidents.probes.visits import BEGINNING, NO_ADDRESS, NO_TURN
from tests.fakes.certificates import Identity, make_identity
from tests.fakes.sockets import Peer, closed_address, closing, dripping, silent
from tests.lab_fixtures import leave_out

TOP = Path(__file__).resolve().parent.parent.parent
Meet = Callable[[socket.socket, threading.Event], None]
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ncheckout"


def http(budget_seconds: float = 5, secret: Callable[[str], str] = str, **settings: Any) -> Http:
    return Http.from_settings(name="web", settings=settings, secret=secret, budget_seconds=budget_seconds)


def look(probe: Http, address: str) -> Reading:
    return probe.measure([Point(7, "checkout", "edge-a", address)])[7]


def verdict(probe: Http, meet: Meet) -> tuple[Mark, str]:
    with Peer(meet) as peer:
        reading = look(probe, peer.address)
    return reading.mark, reading.detail


def request(line: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = line.recv(65536)
        if not piece:
            raise ConnectionError("the request was cut")
        received += piece
    return received


def says(*answers: bytes) -> Meet:
    """Answers each connection with the next of these, and the last one from then on."""
    left = list(answers)

    def meet(line: socket.socket, ended: threading.Event) -> None:
        request(line)
        line.sendall(left.pop(0) if len(left) > 1 else left[0])

    return meet


def begins(beginning: bytes, then: Meet) -> Meet:
    def meet(line: socket.socket, ended: threading.Event) -> None:
        request(line)
        line.sendall(beginning)
        then(line, ended)

    return meet


def resetting(line: socket.socket, ended: threading.Event) -> None:
    request(line)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    "answer",
    [
        PAGE,
        b"HTTP/1.1 200 OK\r\n\r\nthe checkout is here, until the end of the connection",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthe c\r\n8\r\nheckout.\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\ncheckout",
    ],
)
def test_the_right_page_is_the_proof(answer: bytes) -> None:
    with Peer(says(answer)) as peer:
        reading = look(http(expect_text="checkout"), peer.address)
    assert (reading.mark, reading.detail) == (Mark.PASS, "answered")
    assert 0 <= reading.milliseconds < 5000


@pytest.mark.parametrize(
    ("meet", "detail"),
    [
        (says(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"), "answered 503"),
        (says(b"HTTP/1.1 204 None\r\n\r\n"), "answered 204"),
        (says(b"HTTP/1.1 302 Away\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", PAGE), "answered 302"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye"), "answered without the expected text"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncheckout"), "the answer was cut off"),
        (says(b"220 mail.example ESMTP\r\n"), "what came was no answer of HTTP"),
        (begins(b"", closing), "the connection was closed without an answer"),
        (resetting, "the connection was reset"),
    ],
)
def test_what_is_answered_wrongly_fails(meet: Meet, detail: str) -> None:
    assert verdict(http(expect_text="checkout"), meet) == (Mark.FAIL, detail)


@pytest.mark.parametrize(
    "meet",
    [
        silent,
        dripping,
        begins(b"HTTP/1.1 200 OK\r\nX-Long: ", dripping),
        begins(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", silent),
        begins(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", dripping),
        begins(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", dripping),
        begins(b"HTTP/1.1 200 OK\r\n\r\n", dripping),
    ],
    ids=["silent", "no-head", "long-head", "no-body", "body", "chunk", "endless"],
)
def test_the_time_is_over_however_slowly_something_comes(meet: Meet) -> None:
    began = time.monotonic()
    assert verdict(http(0.4), meet) == (Mark.FAIL, "no answer in time")
    assert time.monotonic() - began < 5


def test_the_end_of_a_page_is_of_no_matter_once_its_beginning_was_read() -> None:
    """A large download is not waited for; nor is the text looked for in it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    first = begins(head + b"checkout" + b"." * BEGINNING, silent)
    later = begins(head + b"." * BEGINNING + b"checkout", silent)
    assert verdict(http(expect_text="checkout"), first) == (Mark.PASS, "answered")
    assert verdict(http(expect_text="checkout"), later) == (Mark.FAIL, "answered without the expected text")


def test_nobody_listens() -> None:
    assert look(http(), closed_address()) == Reading(Mark.FAIL, -1, "the connection was refused")


def test_what_is_asked() -> None:
    asked: list[bytes] = []

    def meet(line: socket.socket, ended: threading.Event) -> None:
        asked.append(request(line))
        line.sendall(PAGE)

    assert verdict(http(path="/health?full=1", host="shop.example:8443"), meet)[0] is Mark.PASS
    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /health?full=1 HTTP/1.1"
    assert "Host: shop.example:8443" in lines
    assert "Connection: close" in lines


def test_another_status_may_be_the_right_one() -> None:
    forbidden = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    assert verdict(http(expect_status=403), says(forbidden))[0] is Mark.PASS
    assert verdict(http(expect_status=403), says(PAGE)) == (Mark.FAIL, "answered 200")


def test_every_one_of_several_requests_must_be_right_each_on_a_connection_of_its_own() -> None:
    """Also where the server would keep the connection open."""
    with Peer(says(PAGE)) as peer:
        assert look(http(requests=6), peer.address).mark is Mark.PASS
        assert peer.met == 6
    down = b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"
    with Peer(says(PAGE, PAGE, down, PAGE)) as peer:
        reading = look(http(requests=6), peer.address)
        assert (reading.mark, reading.detail) == (Mark.FAIL, "answered 503")
        assert look(http(requests=6), peer.address).mark is Mark.PASS


def test_several_requests_have_one_budget() -> None:
    def late(line: socket.socket, ended: threading.Event) -> None:
        request(line)
        ended.wait(0.3)
        line.sendall(PAGE)

    assert verdict(http(1, requests=20), late) == (Mark.FAIL, "no answer in time")


def test_it_speaks_to_ipv6() -> None:
    def serve() -> None:
        line, _ = listener.accept()
        with line:
            request(line)
            line.sendall(PAGE)

    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        leave_out("this machine has no IPv6")
    with listener:
        thread = threading.Thread(target=serve)
        thread.start()
        assert look(http(), f"[::1]:{listener.getsockname()[1]}").mark is Mark.PASS
        thread.join()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("tls"), "shop", "IP:127.0.0.1", "DNS:shop.example")


@pytest.fixture
def encrypted(identity: Identity) -> Iterator[Peer]:
    context = identity.server()

    def meet(line: socket.socket, ended: threading.Event) -> None:
        with context.wrap_socket(line, server_side=True) as spoken:
            request(spoken)
            spoken.sendall(PAGE)

    with Peer(meet) as peer:
        yield peer


@pytest.mark.parametrize(
    ("settings", "mark", "detail"),
    [
        ({"ca": "file:ca"}, Mark.PASS, "answered"),
        ({"ca": "file:ca", "host": "shop.example"}, Mark.PASS, "answered"),
        ({"ca": "file:ca", "host": "shop.example:8443"}, Mark.PASS, "answered"),
        ({"ca": "file:ca", "host": "bank.example"}, Mark.FAIL, "the certificate is not accepted"),
        ({}, Mark.FAIL, "the certificate is not accepted"),
    ],
)
def test_certificates_are_checked(
    encrypted: Peer, identity: Identity, settings: Mapping[str, Any], mark: Mark, detail: str
) -> None:
    probe = http(secret=lambda reference: identity.certificate.read_text(), tls=True, **settings)
    reading = look(probe, encrypted.address)
    assert (reading.mark, reading.detail) == (mark, detail)


def plain(line: socket.socket, ended: threading.Event) -> None:
    line.recv(65536)
    line.sendall(PAGE)


def cut(line: socket.socket, ended: threading.Event) -> None:
    line.recv(65536)


@pytest.mark.parametrize(
    ("meet", "detail"),
    [
        (plain, "no encrypted connection"),
        (dripping, "no encrypted connection"),
        (silent, "no answer in time"),
        (cut, "no encrypted connection"),
    ],
)
def test_a_server_that_does_not_encrypt(meet: Meet, detail: str) -> None:
    assert verdict(http(0.4, tls=True), meet) == (Mark.FAIL, detail)


@pytest.mark.parametrize("address", ["", "127.0.0.1", "name:80", "127.0.0.1:0", "127.0.0.1:99999", "::1:80", "[::1:80"])
def test_an_address_that_is_none_is_our_error(address: str) -> None:
    assert look(http(), address) == NO_ADDRESS


@pytest.mark.parametrize(
    ("limit", "least"),
    [("RLIMIT_NOFILE, (free + 0, 4096)", 200), ("RLIMIT_NOFILE, (free + 20, 4096)", 1), ("RLIMIT_AS, (size, -1)", 200)],
    ids=["no-descriptors", "few-descriptors", "no-threads"],
)
def test_what_this_machine_lacks_is_our_error(limit: str, least: int) -> None:
    """In a process of its own, for pytest needs descriptors and memory too."""
    with Peer(silent) as peer:
        program = f"""
import os, resource, threading
from incidents.probes.base import Point
from incidents.probes.http import Http
from incidents.probes.visits import LOCAL_TROUBLE
points = [Point(number, "checkout", "edge-a", "{peer.address}") for number in range(200)]
probe = Http.from_settings(name="web", settings={{}}, secret=str, budget_seconds=0.5)
probe.measure(points[:1])
free = os.open("/", os.O_RDONLY)
os.close(free)
threading.stack_size(64 * 1024 * 1024)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + 200 * 1024 * 1024
resource.setrlimit(resource.{limit})
readings = probe.measure(points)
print(len(readings), list(readings.values()).count(LOCAL_TROUBLE))
"""
        done = subprocess.run([sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True)
    readings, troubled = map(int, done.stdout.split())
    assert readings == 200
    assert least <= troubled <= 200


def test_many_points_cost_one_budget() -> None:
    with Peer(silent) as slow, Peer(says(PAGE)) as quick:
        addresses = [slow.address if number % 4 == 0 else quick.address for number in range(100)]
        points = [Point(number, "checkout", "edge-a", address) for number, address in enumerate(addresses)]
        began = time.monotonic()
        readings = http(2).measure(points)
        # The silent ones, one after the other, would take fifty seconds.
        assert time.monotonic() - began < 10
    assert [readings[number].mark for number in range(100)] == [
        Mark.FAIL if number % 4 == 0 else Mark.PASS for number in range(100)
    ]


def test_who_has_no_turn_is_told_apart_from_who_does_not_answer() -> None:
    with Peer(silent) as peer:
        points = [Point(number, "checkout", "edge-a", peer.address) for number in range(300)]
        readings = list(http(1).measure(points).values())
    assert set(readings) == {NO_TURN, Reading(Mark.FAIL, -1, "no answer in time")}


def test_no_points_are_no_readings() -> None:
    assert http().measure([]) == {}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"port": 80}, "settings.port"),
        ({"path": "health"}, "settings.path"),
        ({"path": "/a b"}, "settings.path"),
        ({"path": "/a\r\nX: y"}, "settings.path"),
        ({"path": 5}, "settings.path"),
        ({"host": "shop.example\r\nX: y"}, "settings.host"),
        ({"host": "https://shop.example"}, "settings.host"),
        ({"expect_status": 99}, "settings.expect_status"),
        ({"expect_status": "200"}, "settings.expect_status"),
        ({"expect_status": True}, "settings.expect_status"),
        ({"expect_text": ""}, "settings.expect_text"),
        ({"requests": 0}, "settings.requests"),
        ({"requests": 21}, "settings.requests"),
        ({"tls": "yes"}, "settings.tls"),
        ({"ca": "file:ca"}, "settings.ca"),
        ({"tls": True, "ca": "-----BEGIN CERTIFICATE-----"}, "settings.ca"),
        ({"tls": True, "ca": "file:nothing"}, "settings.ca"),
    ],
)
def test_bad_settings(settings: Mapping[str, Any], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        http(secret=lambda reference: "no certificate", **settings)
    assert fault.value.path == path
