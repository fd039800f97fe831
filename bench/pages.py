"""Every page at 200 resources, 10,000 runs and a million audit entries: queries and p95, on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
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
PROGRAM = "a program of shop-operator"


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
        ("incidents", f"{home}/incidents"),
        ("incident", f"/incidents/{run.incident.reference}"),
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
        ("audit, newest", "/audit"),
        ("audit, by words", "/audit?words=203.0.113.0"),
        ("audit, by person", "/audit?person=operator-17"),
        ("audit, nothing found", "/audit?person=nobody&words=203.0.113.0"),
        ("audit, one entry", "/audit/10"),
    ]
    owner = [("people", f"{home}/people")]
    program = [
        ("api: organization", "/api/v1/organizations/example-shop"),
        ("api: runs", "/api/v1/organizations/example-shop/runs"),
        ("api: one run", f"/api/v1/runs/{run.reference}"),
    ]
    people = (
        (PROGRAM, program),
        ("shop-operator", customer),
        ("shop-owner", owner),
        ("support-desk", desk),
        ("reviewer", reviewer),
    )
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

    if person == PROGRAM:
        headers = {"accept-encoding": "gzip", "authorization": f"Bearer {_token()}"}
        return Client(SERVER_NAME="localhost", headers=headers)
    client = Client(SERVER_NAME="localhost", headers={"accept-encoding": "gzip"})
    client.force_login(Person.objects.get(username=person))
    return client


@cache
def _token() -> str:
    from incidents.domain.tokens import Scope
    from incidents.models import Organization, Person
    from incidents.services.tokens import Asked, make

    asked = Asked(Organization.objects.get(slug="example-shop"), "bench", [Scope.READ], 1)
    return make(Person.objects.get(username="shop-operator"), asked).secret
