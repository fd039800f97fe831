"""The real `git http-backend` behind a small web server, which can fail at chosen requests."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

LOOK, TAKE = "GET git-upload-pack", "POST git-upload-pack"
OFFER, PUSH = "GET git-receive-pack", "POST git-receive-pack"


class GitWeb:
    """Serves the repositories in a folder; with `tls` by https.

    Attributes:
        token: lets in only those who send it as `user:token`; empty lets everybody in.
        faults: what goes wrong, by request: `hang` (no answer), `cut` (no answer, and nothing is done),
            `drop_reply` (it is done, and no answer comes) or an HTTP status.
        before: called when a request comes, before anything is done.
        requests: all that came, in order.
    """

    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.folder, self.token = folder, ""
        self.faults: dict[str, str] = {}
        self.before: Callable[[str], None] = lambda request: None
        self.requests: list[str] = []
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.web = self
        if tls is not None:
            # The handshake is made by the thread of the connection, at its first read.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def run(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """What the program says to a request: its headers, an empty line, the body."""
        parts = urlsplit(handler.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "REMOTE_USER": "shop",  # without one it takes no push
            "REQUEST_METHOD": handler.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        }
        return subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE).stdout


class _Server(ThreadingHTTPServer):
    web: GitWeb
    daemon_threads = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        web = self.server.web
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = urlsplit(self.path)
        request = f"{self.command} {parts.query.partition('=')[2] or parts.path.rpartition('/')[2]}"
        web.requests.append(request)
        web.before(request)
        fault = web.faults.get(request, "")
        expected = "Basic " + base64.b64encode(web.token.encode()).decode()
        if web.token and self.headers.get("Authorization") != expected:
            fault = "401"
        if fault == "hang":
            web.ended.wait()
        elif fault.isdigit():
            self.send_response(int(fault))
            self.send_header("WWW-Authenticate", 'Basic realm="shop"')
            self.send_header("Location", f"http://{web.address}/elsewhere.git")
            self.end_headers()
        elif fault != "cut":
            self._answer(web.run(self, body), fault == "drop_reply")

    do_POST = do_GET

    def _answer(self, said: bytes, dropped: bool) -> None:
        head, _, body = said.partition(b"\r\n\r\n")
        if dropped:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
