"""What happened in an incident, by machine and by people, each kind read from the tables where it is kept.

A source gives its events in one order of time, from a moment on, and never more than it is asked for. So a page costs
the same after an hour as after thousands of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q

from incidents.domain.approvals import State
from incidents.models import (
    Approval,
    Attempt,
    Breaker,
    Diagnosis,
    Freeze,
    Incident,
    IncidentNote,
    Measurement,
    Reopening,
    Run,
    StageVerdict,
)
from incidents.selectors.acting import behalf
from incidents.selectors.incident_events import Event, Kind, Rows, Scope, Show, Source
from incidents.selectors.runs import verb_of


def _diagnoses(scope: Scope) -> Rows:
    # A state that only changed in its extent has several rows of one beginning.
    earlier = Diagnosis.objects.filter(resource=OuterRef("resource"), since=OuterRef("since"), pk__lt=OuterRef("pk"))
    rows = Diagnosis.objects.filter(scope.within("since"), ~Exists(earlier), resource__organization=scope.organization)
    return rows.values("since", "damage").annotate(n=Count("resource", distinct=True), name=Min("resource__name"))


def _diagnosis(row: Mapping[str, Any]) -> Event:
    at = row["since"]
    return Event(
        _id("diagnosis", at, row["damage"]), at, "diagnosis", code=row["damage"], what=row["name"], count=row["n"]
    )


def _measurements(scope: Scope) -> Rows:
    rows = Measurement.objects.filter(scope.within("since"), point__resource__organization=scope.organization)
    return rows.values("since", "mark").annotate(
        n=Count("point__resource", distinct=True),
        name=Min("point__resource__name"),
        places=Count("point__location", distinct=True),
        place=Min("point__location__title"),
    )


def _measurement(row: Mapping[str, Any]) -> Event:
    at, mark = row["since"], row["mark"]
    text = row["place"] if row["places"] == 1 else str(row["places"])
    return Event(
        _id("measurement", at, mark), at, "measurement", code=mark, what=row["name"], count=row["n"], text=text
    )


def _runs(scope: Scope) -> Rows:
    locks = Count("locks", distinct=True)
    rows = Run.objects.filter(incident=scope.incident).select_related("started_by", "stop_asked_by", "organization")
    return rows.annotate(n=locks, name=Min("locks__resource__name"), caller=Min("plan__consent__caller"))


def _accepted(row: Any) -> Event:
    by = behalf(str(row.started_by), row.organization.title, row.caller)
    return _of_run(row, row.accepted_at, "run.accepted", by=by, code=verb_of(row), text=row.reason)


def _stop(row: Any) -> Event:
    return _of_run(row, row.stop_asked_at, "run.stop", by=str(row.stop_asked_by))


def _ended(row: Any) -> Event:
    return _of_run(row, row.ended_at, "run.ended", code=row.outcome, text=row.because)


def _of_run(row: Any, at: datetime, kind: Kind, by: str = "", code: str = "", text: str = "") -> Event:
    return Event(f"{kind}-{row.reference}", at, kind, by, code, row.name or "", row.n, text, row.reference)


def _sent(scope: Scope) -> Rows:
    rows = Attempt.objects.filter(target__run__incident=scope.incident)
    return rows.values("target__run__reference", "target__stage").annotate(
        first=Min("at"), n=Count("target", distinct=True)
    )


def _sent_event(row: Mapping[str, Any]) -> Event:
    run, stage = row["target__run__reference"], row["target__stage"] + 1
    return Event(f"run.sent-{run}-{stage}", row["first"], "run.sent", code=str(stage), count=row["n"], run=run)


def _verdicts(scope: Scope) -> Rows:
    rows = StageVerdict.objects.filter(run__incident=scope.incident)
    return rows.select_related("run", "overruled_by")


def _verdict(row: StageVerdict) -> Event:
    kind: Kind = "run.overruled" if row.overruled_by else "run.checked"
    by = str(row.overruled_by) if row.overruled_by else ""
    stage, run = row.stage + 1, row.run.reference
    return Event(f"{kind}-{run}-{stage}", row.at, kind, by, row.mark, str(stage), 0, row.overruled_because, run)


def _approvals(scope: Scope) -> Rows:
    within = scope.within("asked_at") | scope.within("decided_at")
    return Approval.objects.filter(within, organization=scope.organization).select_related(
        "asked_by", "decided_by", "plan"
    )


def _asked(row: Approval) -> Event:
    return Event(
        f"approval.asked-{row.pk}", row.asked_at, "approval.asked", str(row.asked_by), row.plan.action, text=row.reason
    )


def _decided(row: Approval) -> Event:
    code = "alone" if row.alone and row.state == State.APPROVED else row.state
    at = row.decided_at or row.asked_at
    by = str(row.decided_by) if row.decided_by else ""
    return Event(f"approval.decided-{row.pk}", at, "approval.decided", by, code, text=row.words)


def _freezes(scope: Scope) -> Rows:
    touches = Q(scope=Freeze.Scope.EVERYONE) | Q(organization=scope.organization) | Q(action__in=_actions(scope))
    still = Q(since__lt=scope.since) & (Q(lifted_at=None) | Q(lifted_at__gte=scope.since))
    return Freeze.objects.filter(touches, scope.within("since") | still)


def _frozen(row: Freeze) -> Event:
    return Event(f"freeze.set-{row.pk}", row.since, "freeze.set", code=row.action, text=row.because)


def _lifted(row: Freeze) -> Event:
    at = row.lifted_at or row.since
    return Event(f"freeze.lifted-{row.pk}", at, "freeze.lifted", code=row.action)


def _breakers(scope: Scope) -> Rows:
    still = Q(opened_at__lt=scope.since) & (Q(closed_at=None) | Q(closed_at__gte=scope.since))
    return Breaker.objects.filter(scope.within("opened_at") | still, action__in=_actions(scope))


def _tripped(row: Breaker) -> Event:
    return Event(f"breaker.opened-{row.pk}", row.opened_at, "breaker.opened", code=row.action, text=row.because)


def _mended(row: Breaker) -> Event:
    return Event(f"breaker.closed-{row.pk}", row.closed_at or row.opened_at, "breaker.closed", code=row.action)


def _actions(scope: Scope) -> Rows:
    """What the organization may run: what stops one of these touches it."""
    return scope.organization.preapprovals.order_by().values("action")


def _notes(scope: Scope) -> Rows:
    return IncidentNote.objects.filter(incident=scope.incident).select_related("by", "corrected_by")


def _note(row: Any) -> Event:
    newer = getattr(row, "corrected_by", None)
    return Event(
        f"note-{row.pk}", row.at, "note", str(row.by), text=row.text, note=row.pk, author=str(row.by_id),
        corrects=row.corrects_id or 0, corrected_by=newer.pk if newer else 0,
    )  # fmt: skip


def _itself(scope: Scope) -> Rows:
    return Incident.objects.filter(pk=scope.incident.pk).select_related("declared_by", "closed_by")


def _opened(row: Incident) -> Event:
    by = str(row.declared_by) if row.declared_by else ""
    return Event("incident.opened", row.opened_at, "incident.opened", by, "" if by else "machine", text=row.because)


def _closed(row: Any) -> Event:
    by = str(row.closed_by) if row.closed_by else ""
    return Event(
        "incident.closed", row.closed_at, "incident.closed", by, "" if by else "machine", text=row.closed_because
    )


def _reopenings(scope: Scope) -> Rows:
    return Reopening.objects.filter(incident=scope.incident).select_related("closed_by")


def _closed_before(row: Reopening) -> Event:
    by = str(row.closed_by) if row.closed_by else ""
    return Event(
        f"incident.closed-{row.pk}",
        row.closed_at,
        "incident.closed",
        by,
        "" if by else "machine",
        text=row.closed_because,
    )


def _reopened(row: Reopening) -> Event:
    return Event(f"incident.reopened-{row.pk}", row.at, "incident.reopened", text=row.because)


def _id(kind: str, at: datetime, code: str) -> str:
    return f"{kind}-{at:%Y%m%dT%H%M%S%f}-{code}"


PEOPLE: frozenset[Show] = frozenset({"people"})
RUNS: frozenset[Show] = frozenset({"runs"})
BOTH: frozenset[Show] = PEOPLE | RUNS
MEASURED: frozenset[Show] = frozenset({"measurements"})

# One query each.
SOURCES = (
    Source(MEASURED, "since", _diagnoses, _diagnosis),
    Source(MEASURED, "since", _measurements, _measurement),
    Source(BOTH, "accepted_at", _runs, _accepted),
    Source(BOTH, "stop_asked_at", _runs, _stop),
    Source(RUNS, "ended_at", _runs, _ended),
    Source(RUNS, "first", _sent, _sent_event),
    Source(BOTH, "at", _verdicts, _verdict),
    Source(BOTH, "asked_at", _approvals, _asked),
    Source(BOTH, "decided_at", _approvals, _decided),
    Source(BOTH, "since", _freezes, _frozen),
    Source(BOTH, "lifted_at", _freezes, _lifted),
    Source(RUNS, "opened_at", _breakers, _tripped),
    Source(BOTH, "closed_at", _breakers, _mended),
    Source(PEOPLE, "at", _notes, _note),
    Source(PEOPLE | MEASURED, "opened_at", _itself, _opened),
    Source(PEOPLE | MEASURED, "closed_at", _itself, _closed),
    Source(PEOPLE | MEASURED, "closed_at", _reopenings, _closed_before),
    Source(MEASURED, "at", _reopenings, _reopened),
)
