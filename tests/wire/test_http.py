"""HTTP within one deadline, over real sockets: what was sent, what was not, and who holds the line."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from incidents.domain.errors import BackendTimeout, BackendUnreachable, InventoryFault
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, check_guarded_url, identify, trust
from tests.fakes.certificates import Identity, make_identity
from tests.fakes.sockets import Peer, closed_address, closing, dripping, silent

BUDGET = 0.4


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("tls"), "api", "IP:127.0.0.1", "DNS:api.example")


def call(url: str, method: str = "GET", **more: object) -> object:
    client = Client("kube-a", url, **more)  # type: ignore[arg-type]
    try:
        return client.call(Deadline(BUDGET), method, "/x", {} if method == "PATCH" else None).body
    finally:
        client.close()


def read_request(line: socket.socket) -> bytes:
    """One request, as far as it comes."""
    received = b""
    while not received.endswith((b"\r\n\r\n", b"\r\n\r\n{}")):
        piece = line.recv(65536)
        if not piece:
            break
        received += piece
    return received


def drip_after(beginning: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def meet(line: socket.socket, ended: threading.Event) -> None:
        read_request(line)
        line.sendall(beginning)
        dripping(line, ended)

    return meet


def encrypted(context: ssl.SSLContext, answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Takes one request over TLS and answers it; what is wrong with a certificate ends the line."""

    def meet(line: socket.socket, ended: threading.Event) -> None:
        with context.wrap_socket(line, server_side=True) as spoken:
            read_request(spoken)
            spoken.sendall(answer)

    return meet


def cut(line: socket.socket, ended: threading.Event) -> None:
    """Takes a request and ends the connection."""
    read_request(line)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "meet",
    [
        silent,
        dripping,
        drip_after(b"HTTP/1.1 200 OK\r\nX-Long: "),
        drip_after(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drip_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        drip_after(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["silent", "status", "headers", "body", "chunks", "endless"],
)
def test_no_answer_however_slow_outlasts_the_deadline(meet: Callable[..., None]) -> None:
    with Peer(meet) as peer:
        began = time.monotonic()
        with pytest.raises(BackendTimeout):
            call(f"http://{peer.address}")
        assert time.monotonic() - began < BUDGET + 5


@pytest.mark.parametrize("meet", [silent, dripping, closing])
def test_what_breaks_in_the_handshake_was_certainly_not_sent(meet: Callable[..., None]) -> None:
    with Peer(meet) as peer:
        began = time.monotonic()
        with pytest.raises(BackendUnreachable):
            call(f"https://{peer.address}", "PATCH")
        assert time.monotonic() - began < BUDGET + 5


def test_nobody_listening_is_not_sent_and_a_line_that_is_cut_after_the_request_may_be() -> None:
    with pytest.raises(BackendUnreachable):
        call(f"http://{closed_address()}", "PATCH")
    with Peer(cut) as peer, pytest.raises(BackendTimeout):
        call(f"http://{peer.address}", "PATCH")


def test_an_encrypted_line_that_is_cut_after_the_request_may_have_been_obeyed(identity: Identity) -> None:
    tls = trust("tls_ca", identity.certificate.read_text())
    with Peer(encrypted(identity.server(), b"")) as peer, pytest.raises(BackendTimeout):
        call(f"https://{peer.address}", "PATCH", tls=tls)


@pytest.mark.parametrize(("name", "words"), [("", None), ("api.example", None), ("other.example", "hostname mismatch")])
def test_the_name_in_the_certificate_is_checked(identity: Identity, name: str, words: str | None) -> None:
    tls = trust("tls_ca", identity.certificate.read_text())
    with Peer(encrypted(identity.server(), OK)) as peer:
        if words is None:
            assert call(f"https://{peer.address}", tls=tls, tls_name=name) == {}
        else:
            with pytest.raises(BackendUnreachable, match=f"certificate of kube-a is not accepted: {words}"):
                call(f"https://{peer.address}", tls=tls, tls_name=name)


@pytest.fixture
def strict(identity: Identity, tmp_path: Path) -> Iterator[tuple[Peer, Identity]]:
    """A server that wants a certificate, and the one that it wants."""
    wanted = make_identity(tmp_path, "handrail", "DNS:handrail.example")
    with Peer(encrypted(identity.server(wanted.certificate), OK)) as peer:
        yield peer, wanted


def test_a_client_certificate_is_shown(identity: Identity, strict: tuple[Peer, Identity]) -> None:
    peer, wanted = strict
    tls = trust("tls_ca", identity.certificate.read_text())
    with pytest.raises(BackendTimeout):
        call(f"https://{peer.address}", tls=tls)
    identify("kubeconfig", tls, wanted.certificate.read_text(), wanted.key.read_text())
    assert call(f"https://{peer.address}", tls=tls) == {}


def test_a_key_of_another_certificate_and_an_encrypted_one_are_faults(identity: Identity, tmp_path: Path) -> None:
    other = make_identity(tmp_path, "other", "DNS:other.example")
    base64 = "MIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI"
    locked = f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64}\n-----END ENCRYPTED PRIVATE KEY-----\n"
    for key in (other.key.read_text(), locked, "none"):
        with pytest.raises(InventoryFault, match=r"^settings.kubeconfig: holds no certificate and unencrypted key"):
            identify("kubeconfig", trust("tls_ca", None), identity.certificate.read_text(), key)


def test_an_answer_that_was_given_up_is_nobody_elses() -> None:
    """The rest of a late answer must not be taken for the answer to the next request."""
    late = threading.Event()

    def meet(line: socket.socket, ended: threading.Event) -> None:
        while read_request(line):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
            if late.is_set():
                line.sendall(b"[2,3,4]")
            else:
                late.set()
                ended.wait(2 * BUDGET)
                line.sendall(b"[1,1,1]")

    with Peer(meet) as peer:
        client = Client("kube-a", f"http://{peer.address}")
        with pytest.raises(BackendTimeout):
            client.call(Deadline(BUDGET), "GET", "/first")
        assert client.call(Deadline(5), "GET", "/second", query={"a": "b c"}).body == [2, 3, 4]
        client.close()


def test_a_query_goes_with_every_method() -> None:
    seen: list[bytes] = []

    def meet(line: socket.socket, ended: threading.Event) -> None:
        seen.append(read_request(line).split(b"\r\n")[0])
        line.sendall(OK)

    with Peer(meet) as peer:
        client = Client("kube-a", f"http://{peer.address}/base/")
        client.call(Deadline(5), "PATCH", "/x", {}, query={"dryRun": "All", "labelSelector": "a/b=c"})
        client.close()
    assert seen == [b"PATCH /base/x?dryRun=All&labelSelector=a%2Fb%3Dc HTTP/1.1"]


@pytest.mark.parametrize(
    ("beginning", "rest"),
    [(b"Content-Length: 101\r\n\r\n", b"x" * 101), (b"Connection: close\r\n\r\n", b"x" * 1_000_000)],
    ids=["told", "not told"],
)
def test_more_than_the_largest_answer_is_no_answer(beginning: bytes, rest: bytes) -> None:
    def meet(line: socket.socket, ended: threading.Event) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 200 OK\r\n" + beginning + rest)

    with Peer(meet) as peer, pytest.raises(BackendTimeout, match="kube-a answered more than 100 bytes"):
        call(f"http://{peer.address}", largest=100)


@pytest.mark.parametrize("content", [b"no json", b"\xff", b"[" * 100_000], ids=["words", "bytes", "brackets"])
def test_what_is_no_json_is_told_as_none_and_its_bytes_are_there(content: bytes) -> None:
    def meet(line: socket.socket, ended: threading.Event) -> None:
        while read_request(line):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))

    with Peer(meet) as peer:
        client = Client("kube-a", f"http://{peer.address}")
        assert client.call(Deadline(5), "GET", "/x").body is None
        assert client.exchange(Deadline(5), "GET", "/x", None, {}).content == content
        client.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://hook.example:99999/", "is no address of a server"),
        ("https://[::1/", "is no address of a server"),
        ("ftp://hook.example/", "must begin with https:// or http:// and a host"),
        ("https:///hook", "must begin with"),
        ("https://a:b@hook.example/", "must hold no name, password"),
        ("https://hook.example/?key=1", "must hold no name, password"),
        ("http://hook.example/", "numeric loopback address only"),
        ("http://localhost/", "numeric loopback address only"),
        ("http://192.0.2.1/", "numeric loopback address only"),
    ],
)
def test_bad_addresses_of_servers(url: str, words: str) -> None:
    with pytest.raises(InventoryFault, match=words):
        check_guarded_url("url", url)


@pytest.mark.parametrize("url", ["https://hook.example/a", "http://127.0.0.1:8080", "http://[::1]/a"])
def test_good_addresses_of_servers(url: str) -> None:
    assert check_guarded_url("url", url) == url
