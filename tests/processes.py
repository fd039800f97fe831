"""Real processes for tests: workers of ours, and a broker. Each ends with its `with`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import redis
import urllib3
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def database_url() -> str:
    """The address of the test database, for processes of their own."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    return f"postgresql://{given['USER']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def process(*arguments: str, **environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A Python process of the project, on the test database; killed at the end, frozen or not."""
    return _process(arguments, None, environment)


@contextmanager
def _process(
    arguments: Sequence[str], log: Path | None, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The same; `log` is the file that takes all it says."""
    given = {
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "SECURE": "false",
        "DATABASE_URL": database_url(),
        "LOG_LEVEL": "WARNING",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    with (log or Path(os.devnull)).open("ab") as said:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **given, **environment},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):  # a test may have killed it
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def worker(log: Path | None = None, /, **environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A Celery worker as the Procfile starts it."""
    arguments = (
        "-m celery --app console --quiet worker --pool threads --concurrency 4 --without-gossip --without-mingle"
    )
    return _process(arguments.split(), log, environment)


@contextmanager
def web(log: Path | None = None, /, **environment: str) -> Iterator[str]:
    """The web server as the Procfile starts it; its address, once it answers."""
    port = free_port()
    arguments = f"-m gunicorn console.wsgi --worker-class gthread --workers 1 --threads 4 --bind 127.0.0.1:{port}"
    with _process(arguments.split(), log, environment) as child:
        until(lambda: child.poll() is not None or _is_alive(port), 30)
        yield f"http://127.0.0.1:{port}"


def _is_alive(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/livez", timeout=5, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def driver(**environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """`manage.py drive`: the same loop without Celery."""
    return process("manage.py", "drive", **environment)


@contextmanager
def broker() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of our own: its address, and its process."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"],  # noqa: S108
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port, socket_timeout=1)
    try:
        until(lambda: _answers(client), 10)
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        client.close()
        server.kill()
        server.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def until(true: Callable[[], bool], seconds: float) -> None:
    """Waits until it is true, and fails when it is not within the time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
