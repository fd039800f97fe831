"""What a person may say to a run under way: stop after this step, or go on in spite of an open verdict."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.runs import Phase
from incidents.domain.verdicts import Mark
from incidents.engine import bell
from incidents.engine.behalf import told
from incidents.engine.grants import consents_of, holds, may_use_by_right
from incidents.models import Person, Run, StageVerdict
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHY_ON = "Write why you want to go on. It is kept in the audit log."
MOST_WORDS = 500


def stop(person: Person, run: Run) -> None:
    """No further effects; what is under way is finished and its truth told. Harmless when repeated or too late.

    Somebody of the operator may stop any run of an organization while one of its callers' consents lets them act.

    Raises NotAllowed.
    """
    behalf = _behalf(person, run)
    with recorded():
        asked = _wake_row(run, stop_asked_at=database_now(), stop_asked_by=person)
        if asked:
            append(_entry("run.stop-asked", person, run, "", behalf))
        transaction.on_commit(lambda: bell.wake(run.pk), robust=True)


def overrule(person: Person, run: Run, reason: str) -> None:
    """Goes on although the probes could not prove this stage (`inconclusive` or `error`, never `fail`).

    Raises:
        NotAllowed: the person may not use what approved the run.
        Refused: no reason, or nothing waits to be overruled.
    """
    if not may_use_by_right(person, run.plan.preapproval):
        raise NotAllowed("You can see this run but not change it.")
    reason = need(reason, WHY_ON, MOST_WORDS)
    with recorded():
        overruled = StageVerdict.objects.filter(
            run=run,
            stage=run.stage,
            run__phase=Phase.PAUSED,
            mark__in=(Mark.INCONCLUSIVE, Mark.ERROR),
            overruled_by=None,
        ).update(overruled_by=person, overruled_because=reason)
        if not overruled:
            raise Refused("There is nothing to decide any more. The run has gone on or has ended.")
        _wake_row(run)
        append(_entry("verdict.overruled", person, run, reason))
        transaction.on_commit(lambda: bell.wake(run.pk), robust=True)


def _behalf(person: Person, run: Run) -> JsonObject:
    """What the audit entry says of the consent by which the person acts; nothing where they act by right."""
    if holds(person, "act_for_organization", run.organization):
        return {}
    consent = consents_of(person).filter(organization=run.organization_id).first()
    if consent is None:
        raise NotAllowed("You can see this run but not change it.")
    return told(consent, run.organization.slug)


def _wake_row(run: Run, **fields: object) -> bool:
    """Makes a live run due now; its version tells the owner of a pass that somebody has spoken."""
    live = Run.objects.filter(pk=run.pk).exclude(phase=Phase.ENDED)
    if fields:
        live = live.filter(stop_asked_at=None)
    return live.update(**fields, version=F("version") + 1, wake_at=Now()) == 1


def _entry(event: str, person: Person, run: Run, reason: str, behalf: JsonObject | None = None) -> Entry:
    return Entry(
        event,
        actor_of(person),
        run.organization.slug,
        str(run.pk),
        {"reference": run.reference, "stage": run.stage, "reason": reason, **(behalf or {})},
    )
