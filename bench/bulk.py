"""Bulk: one run that restores 1,100 prefixes at three edges."""

from __future__ import annotations

import time
from statistics import median

from bench.direct import Routers
from bench.figures import milliseconds, say, seconds, times
from bench.ground import EDGES, form_of, signed_in
from incidents.lab.lab import Lab

ROUNDS = 5
MOST_RATIO = 5
# "At most a few database statements per hundred targets."
MOST_STATEMENTS = 10


def bulk(lab: Lab, prefixes: int) -> None:
    """Prints the median of five, beside three `AddPathStream` calls with the same paths, and the statements."""
    from django.db import connection

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
        ours.append(_one(by_worker=True))
    say(f"{prefixes} prefixes at three edges, median", milliseconds(median(ours)))
    say("  three AddPathStream calls made directly", milliseconds(median(streams)))
    say("  ratio of the medians", times(median(ours) / median(streams), MOST_RATIO))
    say("  direct, until the collector shows them all", milliseconds(median(visible)))
    say("  ratio to that", f"{median(ours) / median(visible):.2f}x")
    routers.withdraw(routes)
    statements = 0

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal statements
        statements += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        _one(by_worker=False)
    per_hundred = statements / (prefixes * len(EDGES) / 100)
    say(
        "  database statements per hundred targets",
        f"{per_hundred:.1f}, {per_hundred / MOST_STATEMENTS:.2f} of {MOST_STATEMENTS}",
    )


def _one(*, by_worker: bool) -> float:
    """Seconds from the POST to the end of the run; in a worker, or in this process to count its statements."""
    from incidents.engine.advance import advance
    from incidents.engine.poller import poll_once
    from incidents.models import Run

    poll_once()
    client = signed_in()
    address = "/c/example-shop/actions/readvertise_prefix?select=withdrawn"
    form = form_of(client.get(address, headers={"accept-encoding": "identity"}).content.decode())
    began = time.perf_counter()
    answer = client.post(address, form)
    if answer.status_code != 303:
        raise RuntimeError(f"the run was not started: {answer.status_code}")
    run = Run.objects.get(reference=answer["Location"].rstrip("/").rsplit("/", 1)[-1])
    while run.phase != "ended":
        if by_worker:
            time.sleep(0.005)
        else:
            advance(run.pk)
        run.refresh_from_db(fields=["phase", "outcome"])
    if run.outcome != "succeeded":
        raise RuntimeError(f"{run.reference} ended as {run.outcome}")
    return time.perf_counter() - began
