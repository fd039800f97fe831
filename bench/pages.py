"""Every page at 200 resources, 10,000 runs and a million audit entries: queries and p95, on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.crowd import carry_out_one, copy_runs, fill_log
from bench.figures import milliseconds, percentile, say, seconds
from incidents.lab.lab import Lab

if TYPE_CHECKING:
    from django.test import Client

    from incidents.models import Run

RUNS = 10_000
ENTRIES = 1_000_000
VIEWS = 40
BROKEN = "203.0.113.0/24"


def every_page(lab: Lab, *, runs: int = RUNS, entries: int = ENTRIES) -> None:
    """Prints a line a page: its queries, p50 and p95, and how much longer it takes than before the years of use."""
    from django.db import connection

    from incidents.engine.poller import poll_once

    lab.break_("withdrawn")
    poll_once()
    run = carry_out_one(BROKEN)
    lab.break_("withdrawn")
    poll_once()
    addresses = _addresses(run)
    young = [_view(address, person) for _, address, person in addresses]
    began = time.monotonic()
    copy_runs(run, runs - 1)
    fill_log(run, entries)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    say(f"{connection.vendor}: made in {time.monotonic() - began:.0f} s", f"{runs} runs", f"{entries} entries")
    for (name, address, person), first in zip(addresses, young, strict=True):
        old = _view(address, person)
        say(
            f"{connection.vendor}: {name}",
            f"{old.queries} queries",
            f"p50 {milliseconds(old.p50)}",
            f"p95 {milliseconds(old.p95)}",
            f"{old.p50 / first.p50:.2f}x of the same page with one run",
        )


def _addresses(run: Run) -> list[tuple[str, str, str]]:
    """What it is called, its address, and who looks at it."""
    home = "/c/example-shop"
    broken = run.targets.select_related("resource")[0].resource
    customer = [
        ("home", home),
        ("all resources", f"{home}/resources"),
        ("one resource", f"{home}/resources/{broken.pk}"),
        ("preview", f"{home}/actions/readvertise_prefix?target={broken.pk}"),
        ("run", f"/runs/{run.reference}"),
        ("drift", f"{home}/drift"),
        ("then", f"{home}/then"),
        ("go back: choose", f"{home}/restore-to"),
        ("me", "/me"),
        ("approvals", "/approvals"),
    ]
    desk = [
        ("desk", "/desk"),
        ("desk: search", "/desk?q=203.0.113"),
        ("desk: one customer", "/desk/c/example-shop"),
        ("desk: freezes", "/desk/freeze"),
        ("desk: queue", "/desk/queue"),
        ("desk: notices", "/desk/notices"),
    ]
    reviewer = [
        ("reviews", "/reviews"),
    ]
    owner = [("people", f"{home}/people")]
    people = (("shop-operator", customer), ("shop-owner", owner), ("support-desk", desk), ("reviewer", reviewer))
    return [(name, address, person) for person, pages in people for name, address in pages]


@dataclass(frozen=True, slots=True)
class _Views:
    """How a page was answered: queries of one view, seconds of many."""

    queries: int
    p50: float
    p95: float


def _view(address: str, person: str) -> _Views:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = _client(person)
    first = client.get(address)
    if first.status_code != 200:
        raise RuntimeError(f"{address} as {person}: {first.status_code}")
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
        queries = len(captured)
    taken = [seconds(lambda: client.get(address)) for _ in range(VIEWS)]
    return _Views(queries, percentile(taken, 50), percentile(taken, 95))


def _client(person: str) -> Client:
    from django.test import Client

    from incidents.models import Person

    client = Client(SERVER_NAME="localhost", headers={"accept-encoding": "gzip"})
    client.force_login(Person.objects.get(username=person))
    return client
