"""An API server over real HTTP or HTTPS, in front of a replay or of a small cluster, which misbehaves on demand."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.kubernetes_recorded import refusal


class World(Protocol):
    def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]: ...


class FakeKubernetes:
    """Use it as a context; talk to `address`; set `mode` and `only`; look into `requests`.

    Modes: `ok`; `slow` (answers after `seconds`); `hang` (does nothing, never answers); `close` (does nothing, the
    connection is lost); `drop_reply` (does all, then the connection is lost); `lie` (does nothing, and answers with the
    object as it was, or as it was to be created); `page` (200 with a page of HTML); `echo` (403 that repeats the
    token); a number (does nothing and answers this status). `only` are the methods that a mode holds for.

    `requests` are (method, path, query, body) in order.
    """

    def __init__(self, world: World, tls: ssl.SSLContext | None = None) -> None:
        self.world, self.mode, self.seconds, self.only = world, "ok", 0.3, frozenset({"GET", "PATCH", "POST", "PUT"})
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            # The handshake is made in the thread of the connection, so that a client that stalls holds nobody up.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Harmless when repeated."""
        if self.ended.is_set():
            return
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sent(self, method: str) -> list[tuple[dict[str, str], Any]]:
        """(query, body) of the requests with this method."""
        return [(query, body) for one, _, query, body in self.requests if one == method]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Ends the connections that clients keep, too."""
        super().server_close()
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not like our certificate, is what tests are about."""


def _handler(fake: FakeKubernetes) -> type[_Handler]:
    class Handler(_Handler):
        pass

    Handler.fake = fake
    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeKubernetes

    def do_GET(self) -> None:
        fake = self.fake
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        fake.requests.append((self.command, url.path, query, body))
        if self.command == "PATCH" and self.headers["Content-Type"] != "application/merge-patch+json":
            self._reply(415, {"message": "the body of the request was in an unknown format"})
        elif fake.mode == "ok" or self.command not in fake.only:
            self._reply(*fake.world.answer(self.command, url.path, query, body, token))
        else:
            self._misbehave(url.path, query, body, token)

    do_PATCH = do_POST = do_PUT = do_GET

    def _misbehave(self, path: str, query: dict[str, str], body: Any, token: str) -> None:
        mode = self.fake.mode
        if mode in ("hang", "slow"):
            self.fake.ended.wait(60 if mode == "hang" else self.fake.seconds)
        if mode in ("slow", "drop_reply"):
            said = self.fake.world.answer(self.command, path, query, body, token)
            if mode == "slow":
                return self._reply(*said)
        if mode in ("hang", "close", "drop_reply"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        if mode == "lie" and self.command == "POST":
            return self._reply(201, body)
        if mode == "lie":
            return self._reply(*self.fake.world.answer("GET", path, {}, None, token))
        if mode == "echo":
            words = f"forbidden for {self.headers['Authorization']}"
            return self._reply(403, refusal("revert-forbidden", 403, forbidden=words))
        if mode == "page":
            return self._reply(200, None)
        return self._reply(int(mode), {"kind": "Status", "message": "not now", "code": int(mode)})

    def _reply(self, status: int, said: Any) -> None:
        content = b"<html>welcome</html>" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if said is None else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
