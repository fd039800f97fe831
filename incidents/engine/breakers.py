"""The breakers: what runs of an action have done lately on the whole platform, and when that stops all of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from incidents.audit.log import ENGINE, Entry, append
from incidents.domain.blast_radius import too_much, too_often, window_start
from incidents.domain.canonical import JsonObject
from incidents.domain.circumstances import Proposal, Tripped
from incidents.domain.kinds import kind_of
from incidents.domain.runs import Outcome, Phase
from incidents.engine.news import show_news_to
from incidents.models import Breaker, Organization, Resource, Run, Target

# The ends of runs whose changes were made, and the world said no.
UNPROVEN = ("verdict.fail", "run.came-undone")


def open_breaker(action: str, *, rescue: bool) -> Tripped | None:
    """The breaker that is open for this; one query."""
    row = Breaker.objects.filter(action=action, rescue=rescue, closed_at=None).first()
    return Tripped(row.opened_at, row.because) if row else None


def weigh_effect(run: Run, proposal: Proposal, now: datetime) -> None:
    """Opens the breaker where these changes, with those of all runs lately, are too fast or too broad.

    Call it in the transaction that would write the intents, before the guards are asked.
    """
    limits = proposal.terms.breaker
    lately = Target.objects.filter(
        run__action=run.action,
        run__rescue=proposal.rescue,
        changed_at__gte=_since(proposal, limits.minutes, now),
        attempts__gt=0,
    )
    others = lately.exclude(resource__in=list(proposal.resources)).values("resource").distinct().count()
    touched = others + len(proposal.resources)
    of_all = 0
    if not proposal.rescue:
        kinds = {kind_of(change.aspect) for change in proposal.changes}
        of_all = Resource.objects.filter(kind__in=kinds).count()
    if because := too_much(limits, rescue=proposal.rescue, touched=touched, of_all=of_all):
        _open(run, proposal, because, now)


def weigh_end(run: Run, proposal: Proposal, now: datetime) -> None:
    """Opens the breaker where this run, which has just failed, is one of too many that did not prove right.

    A backend that does not answer is no reason: it holds up nobody else.
    """
    limits = proposal.terms.breaker
    if run.because not in UNPROVEN:
        return
    ended = Run.objects.filter(
        action=run.action, rescue=proposal.rescue, ended_at__gte=_since(proposal, limits.minutes, now)
    ).exclude(outcome=Outcome.STOPPED)
    failed = ended.filter(outcome=Outcome.FAILED, because__in=UNPROVEN).count()
    if because := too_often(limits, failed=failed, ended=ended.count()):
        _open(run, proposal, because, now)


def runs_under(action: str, *, rescue: bool) -> QuerySet[Run]:
    """Live runs that a breaker stops."""
    return Run.objects.filter(action=action, rescue=rescue).exclude(phase=Phase.ENDED)


def _since(proposal: Proposal, minutes: int, now: datetime) -> datetime:
    """The beginning of the window; what a person has looked at, and closed the breaker after, counts no more."""
    closed = Breaker.objects.filter(action=proposal.action, rescue=proposal.rescue).order_by("-closed_at")
    last = closed.filter(closed_at__isnull=False).values_list("closed_at", flat=True).first()
    start = window_start(minutes, now)
    return max(start, last) if last else start


def _open(run: Run, proposal: Proposal, because: str, now: datetime) -> None:
    made = Breaker(action=run.action, rescue=proposal.rescue, opened_at=now, because=because, run=run)
    # Two runs may find it at the same time; one of them opens it.
    Breaker.objects.bulk_create([made], ignore_conflicts=True)
    others = runs_under(run.action, rescue=proposal.rescue).exclude(pk=run.pk)
    others.update(version=F("version") + 1, wake_at=Now())
    show_news_to(Organization.objects.all())
    data: JsonObject = {"action": run.action, "rescue": proposal.rescue, "reference": run.reference, "because": because}
    append(Entry("breaker.opened", ENGINE, run.organization.slug, str(run.pk), data))
