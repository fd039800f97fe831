"""Bulk: one run that restores 1,100 prefixes at three edges."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from bench.direct import Routers
from bench.figures import milliseconds, say, seconds, times
from bench.ground import EDGES, form_of, signed_in
from incidents.lab.lab import Lab

if TYPE_CHECKING:
    from django.test import Client

    from incidents.models import Run

Execute = Callable[[str, object, bool, dict[str, object]], object]

ADDRESS = "/c/example-shop/actions/readvertise_prefix?select=broken"
ROUNDS = 5
MOST_RATIO = 5
# "At most a few database statements per hundred targets."
MOST_STATEMENTS = 10


def bulk(lab: Lab, prefixes: int) -> None:
    """Prints the median of five, beside three `AddPathStream` calls with the same paths."""
    from incidents.models import Resource

    routers = Routers(lab)
    names = list(Resource.objects.filter(name__startswith="10.").values_list("name", flat=True))
    if len(names) != prefixes:
        raise RuntimeError(f"the lab has {len(names)} such prefixes, not {prefixes}")
    routes = routers.routes(names)
    ours, streams, visible = [], [], []
    for _ in range(ROUNDS):
        routers.withdraw(routes)
        streams.append(seconds(lambda: routers.add_by_stream(routes)))
        visible.append(streams[-1] + seconds(lambda: routers.wait_for_all(routes)))
        routers.withdraw(routes)
        ours.append(_one())
    say(f"{prefixes} prefixes at three edges, median", milliseconds(median(ours)))
    say("  three AddPathStream calls made directly", milliseconds(median(streams)))
    say("  ratio of the medians", times(median(ours) / median(streams), MOST_RATIO))
    say("  direct, until the collector shows them all", milliseconds(median(visible)))
    say("  ratio to that", f"{median(ours) / median(visible):.2f}x")


def statements(lab: Lab, prefixes: int) -> None:
    """Prints how many statements such a run costs, from the POST to its end, carried on in this process."""
    from django.db import connection

    from incidents.models import Resource

    routers = Routers(lab)
    routers.withdraw(
        routers.routes(list(Resource.objects.filter(name__startswith="10.").values_list("name", flat=True)))
    )
    form, client = _form()
    count = 0

    def counting(execute: Execute, sql: str, given: object, many: bool, context: dict[str, object]) -> object:
        nonlocal count
        count += 1
        return execute(sql, given, many, context)

    with connection.execute_wrapper(counting):
        _carry_on(_post(client, form), by_worker=False)
    per_hundred = count / (prefixes * len(EDGES) / 100)
    say(
        "  database statements per hundred targets",
        f"{per_hundred:.1f}, {per_hundred / MOST_STATEMENTS:.2f} of {MOST_STATEMENTS}",
    )


def _one() -> float:
    """Seconds from the POST to the end of the run."""
    form, client = _form()
    began = time.perf_counter()
    _carry_on(_post(client, form), by_worker=True)
    return time.perf_counter() - began


def _form() -> tuple[dict[str, str], Client]:
    from incidents.engine.poller import poll_once

    poll_once()
    client = signed_in()
    return form_of(client.get(ADDRESS, headers={"accept-encoding": "identity"}).content.decode()), client


def _post(client: Client, form: dict[str, str]) -> Run:
    from incidents.models import Run

    answer = client.post(ADDRESS, form)
    if answer.status_code != 303:
        raise RuntimeError(f"the run was not started: {answer.status_code}")
    return Run.objects.get(reference=answer["Location"].rstrip("/").rsplit("/", 1)[-1])


def _carry_on(run: Run, *, by_worker: bool) -> None:
    from incidents.engine.advance import advance

    while run.phase != "ended":
        if by_worker:
            time.sleep(0.005)
        else:
            advance(run.pk)
        run.refresh_from_db(fields=["phase", "outcome"])
    if run.outcome != "succeeded":
        raise RuntimeError(f"{run.reference} ended as {run.outcome}")
