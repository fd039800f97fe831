"""A small web server for stand-ins: real HTTP/1.1 over real sockets, with TLS or without."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; `headers` by small letters, `body` as JSON, text, or the fields of a form (None for none)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; a body that is text or bytes goes out as it is, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Web:
    """Hands each request to `answer`, in a thread for each connection; None ends the connection without an answer.

    `ended` is set when it stops, so that an `answer` that hangs can end.
    """

    def __init__(self, answer: Callable[[Request], Answer | None], tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.ended = threading.Event()
        self._server = _Server(self, tls)
        scheme = "https" if tls else "http"
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{scheme}://{self.address}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.die()
        self._thread.join()
        self._server.server_close()

    def die(self) -> None:
        """As when the program ends: every connection is lost, and whoever connects from now on is refused."""
        self._server.shutdown()
        self._server.socket.close()
        self._server.hang_up()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, web: Web, tls: ssl.SSLContext | None) -> None:
        self.web, self._lines = web, set[socket.socket]()
        super().__init__(("127.0.0.1", 0), _Handler)
        if tls is not None:
            # The handshake is made by the thread of the connection, at its first read.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._lines.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away, or do not like our certificate, are what is tested."""

    def hang_up(self) -> None:
        """Ends every connection."""
        for line in list(self._lines):
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _read(kind: str, sent: bytes) -> Any:
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(sent.decode()))
    if kind == "application/xml":
        return sent.decode()
    return json.loads(sent) if sent else None


def _written(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Head and body leave in one piece; in two, the second would wait for the acknowledgement of the first.
    wbufsize = -1

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        sent = self.rfile.read(length)
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=_read(self.headers.get("Content-Type", ""), sent),
        )
        answer = self.server.web.answer(request)
        if answer is None:
            self.close_connection = True
            return
        body = _written(answer.body)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PATCH = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
