"""The example of docs/ as a process, a hook that answers what a test wants, and adapters for both."""

from __future__ import annotations

import base64
import hmac
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from incidents.adapters.hook import Hook
from incidents.lab.ports import free_port
from tests.adapters.support import read_reference
from tests.fakes.web import Answer, Request, Web

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "hook_server.py"
SECONDS_TO_START = 10
SECRET = f"whsec_{base64.b64encode(b'a secret of the test suite').decode()}"
OTHER = f"whsec_{base64.b64encode(b'another secret of the suite').decode()}"


def signature(identifier: str, timestamp: str, body: bytes, secret: str = SECRET) -> str:
    """As the specification says it, and without our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, b".".join((identifier.encode(), timestamp.encode(), body)), "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def secret_in(directory: Path, *secrets: str) -> Mapping[str, object]:
    """The setting for a file with these secrets, a line each."""
    path = directory / "secret"
    path.write_text("\n".join(secrets or (SECRET,)) + "\n")
    return {"secret": f"file:{path}"}


def hook(
    url: str, keys: Sequence[str], budget_seconds: float = 3, settings: Mapping[str, object] | None = None
) -> Hook:
    """Of `settings` at least `secret` is needed: a reference to a file."""
    return Hook.from_settings(
        name="billing",
        settings={"url": url, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


@dataclass(frozen=True, slots=True)
class Example:
    """The running example. `history` is what it prints: one line of JSON for each change that it made."""

    address: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    def history(self) -> Sequence[Sequence[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def example(directory: Path, states: Mapping[str, object], *secrets: str) -> Iterator[Example]:
    """Starts docs/examples/hook_server.py, as people are told to, and ends it."""
    port = free_port("127.0.0.1")
    given = {"HOOK_SECRET": " ".join(secrets or (SECRET,)), "HOOK_STATES": json.dumps(states), "HOOK_PORT": str(port)}
    running = Example(f"127.0.0.1:{port}", directory / "history")
    with running.log.open("w") as history:
        child = subprocess.Popen(
            [sys.executable, str(EXAMPLE)], env={**os.environ, **given}, stdout=history, stderr=subprocess.DEVNULL
        )
        try:
            _wait(port, child)
            yield running
        finally:
            child.kill()
            child.wait()


def _wait(port: int, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert child.poll() is None, "the example has ended"
            assert time.monotonic() < end, "the example does not listen"
            time.sleep(0.02)
        else:
            return


@dataclass(slots=True)
class Stub:
    """A hook that says what it is told to say, rightly signed but for what a test spoils.

    Args:
        says: the body of each answer, from the question: bytes, text, or what becomes JSON.
        secret: what it signs with.
        status: of each answer.
        seconds: what its clock is ahead.
        spoil: (headers of the answer, question) -> the headers that are sent instead.
    """

    says: Callable[[Any], Any] = lambda asked: {}
    secret: str = SECRET
    status: int = 200
    seconds: int = 0
    spoil: Callable[[dict[str, str], Request], Mapping[str, str]] = lambda headers, request: headers
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        said = _bytes(self.says(request.body))
        identifier, now = request.headers["webhook-id"], str(int(time.time()) + self.seconds)
        headers = {"webhook-id": identifier, "webhook-timestamp": now}
        headers["webhook-signature"] = signature(identifier, now, said, self.secret)
        return Answer(self.status, said, self.spoil(headers, request))


def _bytes(said: Any) -> bytes:
    if isinstance(said, bytes):
        return said
    return said.encode() if isinstance(said, str) else json.dumps(said).encode()


def standing(stub: Stub, tls: ssl.SSLContext | None = None) -> Web:
    """The stub as a web server; it starts and ends by `with`."""
    return Web(stub, tls)
