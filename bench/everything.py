"""The worst day: every kind broken at once, put back by one run; seconds from the start, stage by stage."""

from __future__ import annotations

import time
import uuid
from statistics import median

from bench.figures import say
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
    """Seconds from the start to the end; and by stage, from the start to its verdict."""
    from incidents.engine.poller import poll_once
    from incidents.models import Organization, Person
    from incidents.selectors.remedies import everything as all_of_it
    from incidents.services.propose import propose
    from incidents.services.start import Consent, start

    lab.break_("everything")
    poll_once()
    who, whose = Person.objects.get(username=person), Organization.objects.get(slug=organization)
    plan = propose(who, whose, "restore_to", all_of_it(who, whose, "restore_to"))
    began_at, began = time.time(), time.perf_counter()
    run = start(who, whose, Consent(plan.digest, str(uuid.uuid4()), "the worst day", understood=True))
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
