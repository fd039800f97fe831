"""Tap to restored: from the POST to the last target verified, one prefix at three edges."""

from __future__ import annotations

import time
from statistics import median

from bench.direct import Routers
from bench.figures import milliseconds, percentile, say, seconds, times
from bench.ground import form_of, signed_in
from incidents.lab.lab import Lab

BROKEN = "203.0.113.0/24"
ROUNDS = 50
GOAL_SECONDS = 0.300
MOST_RATIO = 10


def tap_to_restored(lab: Lab) -> None:
    """Prints p50 and p95 of 50, and the ratio to the same calls made directly in the same round."""
    routers = Routers(lab)
    routes = routers.routes([BROKEN])
    ours: list[float] = []
    theirs: list[float] = []
    submits: list[float] = []
    for _ in range(ROUNDS):
        routers.withdraw(routes)
        theirs.append(seconds(lambda: routers.add_one_by_one(routes)))
        routers.withdraw(routes)
        submit, restored = _one()
        submits.append(submit)
        ours.append(restored)
    p50 = percentile(ours, 50)
    say("tap to restored, p50", milliseconds(p50), f"{p50 / GOAL_SECONDS:.2f} of the aim of 300 ms")
    say("tap to restored, p95", milliseconds(percentile(ours, 95)))
    say("  the same three calls made directly, p50", milliseconds(median(theirs)))
    say("  ratio of the medians", times(p50 / median(theirs), MOST_RATIO))
    say("  of it, the POST itself, p50", milliseconds(median(submits)))


def _one() -> tuple[float, float]:
    """Seconds of the POST, and from the POST to the end of the run as its row shows it."""
    from incidents.engine.poller import poll_once
    from incidents.models import Resource, Run

    poll_once()
    client = signed_in()
    resource = Resource.objects.get(name=BROKEN)
    address = f"/c/example-shop/actions/readvertise_prefix?target={resource.pk}"
    form = form_of(client.get(address, headers={"accept-encoding": "identity"}).content.decode())
    began = time.perf_counter()
    answer = client.post(address, form)
    submitted = time.perf_counter() - began
    if answer.status_code != 303:
        raise RuntimeError(f"the run was not started: {answer.status_code}")
    reference = answer["Location"].rstrip("/").rsplit("/", 1)[-1]
    while (row := Run.objects.values_list("phase", "outcome").get(reference=reference))[0] != "ended":
        time.sleep(0.002)
    restored = time.perf_counter() - began
    if row[1] != "succeeded":
        raise RuntimeError(f"{reference} ended as {row[1]}")
    return submitted, restored
