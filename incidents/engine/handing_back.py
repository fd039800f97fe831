"""Puts back what was changed for a while, when its time has come: a run like any other, agreed to beforehand.

It needs nobody: not the person who shifted the traffic away, who may be asleep or gone, nor a preapproval, which may
have changed since. What it does need is that the world is as that run left it, and that there is capacity; otherwise
it says so on the page and in the audit log, and tries again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import IntegrityError
from django.db.models import F
from django.db.models.functions import Now

from incidents.audit.log import ENGINE, Entry, append, recorded
from incidents.domain.canonical import Json
from incidents.domain.changes import Change, same
from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, blockers
from incidents.domain.plans import VALID_FOR
from incidents.domain.plans import Plan as PlanValue
from incidents.domain.runs import Outcome
from incidents.domain.traffic import not_ready, way_to
from incidents.engine import bell
from incidents.engine.facts import load_facts
from incidents.engine.freezes import freezes_on
from incidents.engine.made import changes_made, states_of
from incidents.engine.news import show_news
from incidents.engine.seals import is_ours
from incidents.engine.starting import Order, keep_plan, write_run
from incidents.models import HandBack, Resource, Run
from incidents.models.clock import database_now

logger = logging.getLogger(__name__)

# A claim: while one worker is at it, and before another try; doubled each time, up to so many times it.
AGAIN = timedelta(seconds=30)
LONGEST = 20
# How long a person's stop of a hand-back is heeded.
AFTER_STOP = timedelta(hours=1)
MOST = 16
WITH = ("run__plan__preapproval__organization", "run__organization", "run__started_by", "done_by")


def hand_back_due() -> None:
    """Begins what is due. Every worker may call it at any time; each hand-back is begun by one of them."""
    due = HandBack.objects.filter(ended_at=None, try_at__lte=Now(), run__ended_at__isnull=False).order_by("try_at")
    due = due.exclude(done_by__isnull=False, done_by__ended_at=None)
    for pk, tries in list(due.values_list("pk", "tries")[:MOST]):
        claimed = HandBack.objects.filter(pk=pk, ended_at=None, try_at__lte=Now())
        if claimed.update(try_at=Now() + AGAIN * min(2**tries, LONGEST), tries=F("tries") + 1) == 1:
            try:
                _hand_back(HandBack.objects.select_related(*WITH).get(pk=pk))
            except Exception:  # the next try is set already; one that fails must not hold up the others
                logger.exception("hand-back %s failed", pk)


def _hand_back(row: HandBack) -> None:
    if row.run.is_live or (row.done_by is not None and row.done_by.is_live):
        return
    if row.done_by is not None and row.done_by.outcome == Outcome.SUCCEEDED:
        return  # ended in the same transaction as that run
    if row.done_by is not None and row.done_by.stop_asked_by_id is not None:
        _put_off(row)
        return
    if not is_ours(row.run) or not row.run.plan.thaw().hand_back:
        _end(row, "guard.seal")
        return
    made = changes_made(row.run)
    if not made:
        _end(row, "hand-back.nothing-changed")
        return
    resources = list(Resource.objects.filter(pk__in={change.resource for change in made}))
    facts = load_facts(resources, f"hand-back of {row.run.reference}")
    sides = {side.id: side for resource in facts for side in resource.bindings}
    # What has another backend or key by now is another thing, which that run never touched.
    known = [change for change in made if _is_there(sides, change)]
    if silent := [change for change in known if sides[change.binding].now is None]:
        _wait(row, "backend.unreachable", f"{silent[0].backend} does not answer.")
        return
    away = [change for change in known if not _is(sides, change, change.before)]
    # A run, or an earlier hand-back, that ended half way has left one of its own steps.
    ours = states_of([row.run, *Run.objects.filter(undo_of=row.run).select_related("plan")])
    left = [change for change in away if any(_is(sides, change, state) for state in ours[change.binding])]
    if left:
        _begin(row, facts, left)
    elif away:
        _end(row, "hand-back.changed-by-others", f"{away[0].name} was changed at {away[0].location} meanwhile.")
    else:
        _end(row, "hand-back.already-back" if known else "hand-back.place-gone")


def _begin(row: HandBack, facts: Sequence[ResourceFacts], changes: Sequence[Change]) -> None:
    origin = row.run.plan.thaw()
    if held := freezes_on(origin.organization, [origin.action]).first():
        _wait(row, "guard.freeze", held.because)
        return
    goals = {change.binding: change.before for change in changes}
    way = way_to(facts, goals, origin.terms, also=not_ready)
    if against := blockers(way.findings):
        _wait(row, against[0].code, against[0].text)
        return
    now = database_now()
    value = PlanValue(
        action=origin.action,
        action_version=origin.action_version,
        organization=origin.organization,
        person=origin.person,
        preapproval=origin.preapproval,
        terms=origin.terms,
        changes=way.changes,
        stages=way.stages,
        left_out=(),
        proposed_at=now,
        expires_at=now + VALID_FOR,
        undo_of=str(row.run_id),
        percents=way.percents,
        handing_back=True,
        consent=origin.consent,
    )
    _start(row, value, way.findings)


def _start(row: HandBack, value: PlanValue, findings: Sequence[Finding]) -> None:
    run = row.run
    order = Order(run.started_by, f"hand-back:{uuid.uuid4()}", run.plan_id, f"The time of {run.reference} was over.")
    try:
        with recorded():
            if not _is_still_due(row, back_by=row.done_by):
                return  # extended, or brought back by a person, while we looked
            plan = keep_plan(value, findings, run.plan.preapproval, run.started_by, run)
            back = write_run(plan, value, order, ENGINE)
            HandBack.objects.filter(pk=row.pk).update(done_by=back, because="", detail="")
            append(_entry(row, "hand-back.began", {"run": back.reference, "on_behalf_of": run.started_by.username}))
    except IntegrityError:
        _wait(row, "guard.one-at-a-time", "Another run is changing it.")
        return
    bell.wake(back.pk)


def _is_still_due(row: HandBack, back_by: Run | None) -> bool:
    """Locks the row as it was claimed; False when somebody has changed it since."""
    as_claimed = HandBack.objects.filter(pk=row.pk, ended_at=None, tries=row.tries, due_at=row.due_at, done_by=back_by)
    return as_claimed.update(tries=row.tries) == 1


def _is_there(sides: Mapping[str, BindingFacts], change: Change) -> bool:
    side = sides.get(change.binding)
    return side is not None and (side.backend, side.key) == (change.backend, change.key)


def _is(sides: Mapping[str, BindingFacts], change: Change, state: Mapping[str, Json]) -> bool:
    side = sides.get(change.binding)
    return side is not None and side.now is not None and same(side.now, state)


def _put_off(row: HandBack) -> None:
    """A person stopped it: that is heeded for a while, and never for good."""
    later = database_now() + AFTER_STOP
    _write(row, "hand-back.waits", "hand-back.stopped", "", due_at=later, try_at=later, tries=0, done_by=None)


def _wait(row: HandBack, because: str, detail: str) -> None:
    """It cannot be done now; said once, and tried again."""
    if (row.because, row.detail) == (because, detail):
        return
    _write(row, "hand-back.waits", because, detail)


def _end(row: HandBack, because: str, detail: str = "") -> None:
    """Nothing is left to put back, or it is no longer ours to do."""
    _write(row, "hand-back.ended", because, detail, ended_at=database_now())


def _write(row: HandBack, event: str, because: str, detail: str, **fields: object) -> None:
    with recorded():
        HandBack.objects.filter(pk=row.pk, ended_at=None).update(because=because, detail=detail, **fields)
        show_news(row.run.organization_id)
        append(_entry(row, event, {"because": because, "detail": detail}))


def _entry(row: HandBack, event: str, data: Mapping[str, Json]) -> Entry:
    run = row.run
    return Entry(event, ENGINE, run.organization.slug, str(run.pk), {"reference": run.reference, **data})
