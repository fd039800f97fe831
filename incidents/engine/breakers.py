"""The breakers: what runs have done lately on the whole platform, and when that stops an action everywhere.

The limits are the platform's own (`BREAKER_*` of the settings), so that no customer's preapproval moves them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.blast_radius import Limits, too_much, too_often, window_start
from incidents.domain.canonical import JsonObject
from incidents.domain.circumstances import Proposal, Tripped
from incidents.domain.kinds import Kind, kind_of, stands_for
from incidents.domain.runs import Outcome, Phase
from incidents.engine.news import show_news_to
from incidents.models import Breaker, Organization, Resource, ResourceLock, Run, Target

# The ends of runs whose changes were made, and the world said no.
UNPROVEN = ("verdict.fail", "run.came-undone")


def limits() -> Limits:
    return Limits(
        damage=settings.BREAKER_DAMAGE,
        damage_percent=settings.BREAKER_DAMAGE_PERCENT,
        rescues=settings.BREAKER_RESCUES,
        failures=settings.BREAKER_FAILURES,
        minutes=settings.BREAKER_MINUTES,
    )


def open_breaker(actions: Collection[str], *, rescue: bool) -> Tripped | None:
    """The breaker that is open for one of these; one query."""
    row = Breaker.objects.filter(action__in=actions, rescue=rescue, closed_at=None).order_by("opened_at").first()
    return Tripped(row.opened_at, row.because) if row else None


def weigh_effect(run: Run, proposal: Proposal, now: datetime) -> None:
    """Opens the breaker where these changes, with those of all runs lately, are too fast or too broad.

    Call it in the transaction that would write the intents, before the guards are asked.
    """
    for kind in sorted(proposal.kinds):
        own = {uuid.UUID(one.resource) for one in proposal.changes if kind_of(one.aspect) is kind}
        action = stands_for(proposal.action, [kind])[-1]
        lately = Target.objects.filter(
            resource__kind=kind,
            run__rescue=proposal.rescue,
            changed_at__gte=_since(action, now, rescue=proposal.rescue),
            attempts__gt=0,
        )
        touched = lately.exclude(resource__in=own).values("resource").distinct().count() + len(own)
        of_all = 0 if proposal.rescue else Resource.objects.filter(kind=kind).count()
        if because := too_much(limits(), rescue=proposal.rescue, touched=touched, of_all=of_all):
            _open(run, action, because, now, rescue=proposal.rescue)


def weigh_end(run: Run, kinds: Collection[Kind], now: datetime) -> None:
    """Opens the breaker where this run, which has just failed, is one of too many that did not prove right.

    A backend that does not answer is no reason, for it holds up nobody else; nor is one thing that is tried again and
    again, or one customer among several.
    """
    if run.because not in UNPROVEN:
        return
    action = stands_for(run.action, sorted(kinds))[-1]
    ended = Run.objects.filter(
        action=run.action, rescue=run.rescue, ended_at__gte=_since(action, now, rescue=run.rescue)
    ).exclude(outcome=Outcome.STOPPED)
    failed = ended.filter(outcome=Outcome.FAILED, because__in=UNPROVEN)
    customers = failed.order_by().values("organization").distinct().count()
    if customers == 1 and Organization.objects.count() > 1:
        return
    things = ResourceLock.objects.filter(run__in=failed).values("resource").distinct().count()
    if because := too_often(limits(), things=things, failed=failed.count(), ended=ended.count()):
        _open(run, action, because, now, rescue=run.rescue)


def _since(action: str, now: datetime, *, rescue: bool) -> datetime:
    """The beginning of the window; what a person has looked at, and closed the breaker after, counts no more."""
    closed = Breaker.objects.filter(action=action, rescue=rescue, closed_at__isnull=False).order_by("-closed_at")
    last = closed.values_list("closed_at", flat=True).first()
    start = window_start(limits().minutes, now)
    return max(start, last) if last else start


def _open(run: Run, action: str, because: str, now: datetime, *, rescue: bool) -> None:
    if open_breaker([action], rescue=rescue) is not None:
        return
    made = Breaker(action=action, rescue=rescue, opened_at=now, because=because, run=run)
    # Two runs may find it at the same time; one of them opens it.
    Breaker.objects.bulk_create([made], ignore_conflicts=True)
    live = Run.objects.filter(rescue=rescue).exclude(phase=Phase.ENDED).exclude(pk=run.pk)
    live.update(version=F("version") + 1, wake_at=Now())
    show_news_to(Organization.objects.all())
    data: JsonObject = {"action": action, "rescue": rescue, "reference": run.reference, "because": because}
    append(Entry("breaker.opened", ENGINE, run.organization.slug, str(run.pk), data))
