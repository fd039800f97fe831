"""Real HAProxies for tests, servers behind them that say who they are, and a relay that spoils what HAProxy is told."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from incidents.adapters.haproxy import HaProxy
from incidents.lab import ports, processes
from tests.fakes.sockets import Peer
from tests.lab_fixtures import need

SECONDS_TO_START = 10
DEFAULTS = """
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
"""


class Proxy:
    """One running HAProxy.

    Args:
        rest: its configuration after the sections `global` and `defaults`.
        more_global, more_defaults: further lines of those.
        master: whether a master process holds the worker, which can then be reloaded.
    """

    def __init__(self, rest: str, more_global: str = "", more_defaults: str = "", master: bool = False) -> None:
        need("haproxy")
        # The path of a Unix socket has room for about a hundred letters, and pytest's directories are longer.
        self._room = tempfile.TemporaryDirectory(prefix="haproxy-")
        self.directory = Path(self._room.name)
        self.tcp = f"127.0.0.1:{ports.free_port('127.0.0.1')}"
        self.unix = str(self.directory / "admin.sock")
        self._head = f"""global
  stats socket ipv4@{self.tcp} level admin
  stats socket {self.unix} level admin
  stats socket {self.directory}/operator.sock level operator
  stats socket {self.directory}/user.sock level user
  {more_global.replace("HERE", str(self.directory))}
{DEFAULTS}
  {more_defaults}
"""
        self.configure(rest)
        self._master = f"{self.directory}/master.sock"
        self._arguments = ["haproxy", "-db", "-f", str(self._file), *(["-W", "-S", self._master] if master else [])]
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def _file(self) -> Path:
        return self.directory / "haproxy.cfg"

    def configure(self, rest: str) -> None:
        self._file.write_text(self._head + rest)

    def start(self) -> None:
        self.program = processes.start("haproxy", self._arguments, self.directory)
        self.wait_until(lambda: self.ask("show info").startswith("Name: HAProxy"))

    def reload(self) -> None:
        """Hands over to a new worker; only with `master`, which loses a signal that comes before it listens."""
        self.wait_until(lambda: "worker" in self.ask("show proc", self._master))
        old = self._worker()
        os.kill(self.program.process.pid, signal.SIGUSR2)
        self.wait_until(lambda: self._worker() not in ("", old))

    def _worker(self) -> str:
        return next((line for line in self.ask("show info").splitlines() if line.startswith("Pid: ")), "")

    def stop(self) -> None:
        processes.stop([self.program])

    def ask(self, line: str, path: str = "") -> str:
        """What HAProxy answers to a line of commands, not by way of the code under test; empty where it is away."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(path or self.unix)
                connection.sendall(f"{line}\n".encode())
                connection.shutdown(socket.SHUT_WR)  # the master's socket waits for it
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
            except OSError:
                return ""

    def wait_until(self, so: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while not so():
            processes.check_alive([self.program])
            assert time.monotonic() < end, "HAProxy did not come to it"
            time.sleep(0.01)

    def close(self) -> None:
        self.stop()
        self._room.cleanup()


@contextmanager
def proxy(rest: str, more_global: str = "", more_defaults: str = "", master: bool = False) -> Iterator[Proxy]:
    made = Proxy(rest, more_global, more_defaults, master)
    try:
        yield made
    finally:
        made.close()


def haproxy(
    address: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> HaProxy:
    return HaProxy.from_settings(
        name="balancer-a",
        settings={"address": address, **(settings or {})},
        secret=str,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


class Relay(Peer):
    """Between the adapter and a real HAProxy. `spoil` is a mode for lines that change something; the others pass.

    pass       as it is
    swallow    takes the line, says nothing, HAProxy never hears of it
    cut        ends the connection instead of passing the line on
    drop       passes the line on and keeps the answer to itself
    stall      passes the line on and hangs
    yes        says yes to everything, and passes nothing on
    gone       passes the line on; nobody can be reached afterwards
    blind      passes such lines on; nobody can look afterwards
    two        passes two such lines on, and ends the connection of every further one
    """

    def __init__(self, to: Proxy) -> None:
        super().__init__(self._pass_on)
        self._to = to
        self.spoil = "pass"
        self.lines: list[str] = []

    def _pass_on(self, line: socket.socket, ended: threading.Event) -> None:
        text = line.makefile("r").readline().rstrip("\n")
        self.lines.append(text)
        mode = self.spoil if text.startswith("set ") else "pass"
        late = any(one.startswith("set ") for one in self.lines[:-1])
        if late and (self.spoil == "gone" or (self.spoil == "blind" and mode == "pass")):
            return
        if mode == "two":
            mode = "pass" if sum(one.startswith("set ") for one in self.lines) <= 2 else "cut"
        if mode == "yes":
            line.sendall(b"\n" * len(text.split(";")))
        elif mode == "swallow":
            ended.wait()
        elif mode != "cut":
            answer = self._to.ask(text)
            if mode in ("pass", "gone", "blind"):
                line.sendall(answer.encode())
            elif mode == "stall":
                ended.wait()


class Origin(ThreadingHTTPServer):
    """A server that answers with its name after so many `seconds`, and is well until `well` is false."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says, self.well, self.seconds = name, True, 0.0
        self.port = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        time.sleep(self.server.seconds)
        body = self.server.says.encode()
        self.send_response(200 if self.server.well else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_OPTIONS = do_GET

    def log_message(self, format: str, *values: object) -> None:
        """Silent."""


@contextmanager
def origins(*names: str) -> Iterator[dict[str, Origin]]:
    made = {name: Origin(name) for name in names}
    try:
        yield made
    finally:
        for origin in made.values():
            origin.end()


def visit(port: int, times: int = 1, cookie: str = "") -> Counter[str]:
    """Who answers so many visitors, each with a connection of their own; `none` where HAProxy itself had to."""
    answers: Counter[str] = Counter()
    for _ in range(times):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        body = response.read().decode()
        answers[body if response.status == 200 else "none"] += 1
        connection.close()
    return answers
