"""The ground that the figures are taken on: a lab of real routers, SQLite on disk, a broker, a worker, a web client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from console.up.broker import start_broker
from console.up.environment import prepare
from incidents.lab.lab import Lab

if TYPE_CHECKING:
    from django.test import Client

EDGES = ("edge-a", "edge-b", "edge-c")


@contextmanager
def ground(prefixes: int, *, worker: bool = True, simulated: bool = False, database: str = "") -> Iterator[Lab]:
    """Everything up, with `prefixes` more in the lab, every state proven good, and Django ready.

    Args:
        database: its URL; SQLite on disk where there is none.
        simulated: no real daemons, so that the figures are those of the console and not of a router.
    """
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        var = Path(folder)
        for name in ("DATABASE_URL", "REDIS_URL", "VAR_DIR"):
            os.environ.pop(name, None)
        if database:
            os.environ["DATABASE_URL"] = database
        prepare(var)
        os.environ["SNAPSHOT_AFTER_SECONDS"] = os.environ["SNAPSHOT_SOURCE_AFTER_SECONDS"] = "0"
        broker = start_broker(var)
        try:
            with Lab(var / "lab", prefixes=prefixes, simulated=simulated) as lab:
                _fill(lab)
                with _worker() if worker else nullcontext():
                    yield lab
        finally:
            broker.stop()


def _fill(lab: Lab) -> None:
    import django

    django.setup()
    from console.up.world import fill, migrate

    migrate()
    fill(lab.directory / "inventory.yaml")


@contextmanager
def _worker() -> Iterator[None]:
    command = "-m celery --app console --quiet worker --pool threads --concurrency 4 --without-gossip --without-mingle"
    process = subprocess.Popen(
        [sys.executable, *command.split(), "--loglevel", "ERROR"], stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(4)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def signed_in() -> Client:
    """A browser without JavaScript, signed in as the customer with the broken prefix."""
    from django.test import Client

    from incidents.models import Person

    client = Client(SERVER_NAME="localhost", headers={"accept-encoding": "gzip"})
    client.force_login(Person.objects.get(username="shop-operator"))
    return client


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the preview's form."""
    fields = dict(re.findall(r'name="(digest|key)"[^>]*value="([^"]+)"', page))
    if set(fields) != {"digest", "key"}:
        raise RuntimeError("the preview shows no form; something speaks against the run")
    return fields
