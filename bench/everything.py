"""The worst day: every kind broken at once, put back by one run; seconds from the tap, stage by stage."""

from __future__ import annotations

import time
import uuid
from statistics import median

from bench.figures import say
from bench.ground import form_of, signed_in
from incidents.lab.lab import Lab

ROUNDS = 5
PATIENCE = 60.0


def everything(lab: Lab, person: str, organization: str) -> None:
    """Prints the median and range of the whole, and the median moment at which each stage was proven or passed.

    Args:
        person: sign-in name of who presses.
        organization: slug, whose things the scenario `everything` breaks.
    """
    rounds = [_one(lab, person, organization) for _ in range(ROUNDS)]
    wholes = [whole for whole, _ in rounds]
    say(
        "everything broken, to proven from outside",
        f"{median(wholes):.2f} s",
        f"{min(wholes):.2f} to {max(wholes):.2f}",
    )
    for what, *moments in zip(rounds[0][1], *(stages.values() for _, stages in rounds), strict=True):
        say(f"  {what}", f"{median(moments):.2f} s")


def _one(lab: Lab, person: str, organization: str) -> tuple[float, dict[str, float]]:
    """Seconds from the POST to the end; and by stage, from the POST to its verdict."""
    from incidents.engine.poller import poll_once
    from incidents.models import Run

    lab.break_("everything")
    poll_once()
    client = signed_in(person)
    address = f"/c/{organization}/actions/restore_to?select=everything"
    form = form_of(client.get(address, headers={"accept-encoding": "identity"}).content.decode())
    began_at, began = time.time(), time.perf_counter()
    answer = client.post(address, {**form, "understood": "yes"})
    if answer.status_code != 303:
        raise RuntimeError(f"the run was not started: {answer.status_code}")
    run = Run.objects.get(reference=answer["Location"].rstrip("/").rsplit("/", 1)[-1])
    while run.phase != "ended":
        if time.perf_counter() - began > PATIENCE:
            raise RuntimeError(f"{run.reference} did not end in {PATIENCE:.0f} s: {run.because}")
        time.sleep(0.01)
        run.refresh_from_db()
    whole = time.perf_counter() - began
    if run.outcome != "succeeded":
        raise RuntimeError(f"{run.reference} ended as {run.outcome}: {run.because} {run.detail}")
    return whole, _stages(run.pk, began_at)


def _stages(run_id: uuid.UUID, began_at: float) -> dict[str, float]:
    from incidents.models import Run, StageVerdict

    run = Run.objects.select_related("plan").get(pk=run_id)
    value = run.plan.thaw()
    found: dict[str, float] = {}
    for verdict in StageVerdict.objects.filter(run=run).order_by("stage"):
        first = value.changes[value.stages[verdict.stage][0]]
        places = len({value.changes[index].location for index in value.stages[verdict.stage]})
        what = f"{verdict.stage + 1}. {first.name} at {places} location{'s' if places > 1 else ''}"
        found[what] = verdict.at.timestamp() - began_at
    return found
