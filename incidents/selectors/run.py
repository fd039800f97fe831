"""What the page of a run shows: the truth at every location, and how far each stage has come.

The plan's body is never read here: at a thousand prefixes it is megabytes, and the page is polled every 2 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min

from incidents.actions.catalogue import CATALOGUE
from incidents.domain.kinds import Kind
from incidents.domain.runs import Step
from incidents.domain.terms import Terms, read_terms
from incidents.models import Attempt, Plan, Run, RunReading, StageVerdict, Target
from incidents.selectors.away import Away, read_away
from incidents.selectors.runs import what
from incidents.selectors.stages import StageFacts, StageLine, Verdict, lines
from incidents.selectors.usual import Usual, usual_time

# A page that names a thousand prefixes helps nobody; the rest is counted.
NAMED = 50


@dataclass(frozen=True, slots=True)
class AtPlace:
    """Everything that the run does at one location: how many targets in each step, and what is seen from outside.

    Args:
        steps: step -> how many targets.
        outside: mark -> how many points, the newest reading of each; "" where it was not measured since.
    """

    title: str
    total: int
    steps: dict[str, int]
    outside: dict[str, int]


@dataclass(frozen=True, slots=True)
class Named:
    """One target that is not as planned, with the code of why and what the backend said."""

    name: str
    location: str
    step: str
    because: str
    detail: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """The page.

    Args:
        what: the resource, or how many.
        began: whether the points were measured before the first effect.
        check: what each stage is checked for, in words.
        in_steps: whether stages are steps of one way, which all locations go together; `percents` how far each leads.
        overruled_by: who decided to go on without proof, and why; empty when nobody did.
        left_out: titles of locations that the plan left out because they did not answer.
        unnamed: how many targets are not as planned beyond those in `named`.
        changed: how many targets the run itself put in place.
        undo_until: until when it may be undone; None when there is nothing to undo.
        undo_from: from when that is safe, for other networks could ignore a prefix that is withdrawn at once.
        undone_by: reference of the newest undo of it.
        away: until when what it moved stays so; None where it was for good.
    """

    reference: str
    what: str
    count: int
    verb: str
    doing: str
    done: str
    by: str
    reason: str
    phase: str
    outcome: str
    because: str
    detail: str
    accepted_at: datetime
    ended_at: datetime | None
    deadline_at: datetime
    stop_asked_at: datetime | None
    stop_asked_by: str
    undo_of: str
    incident: str
    began: bool
    check: str
    in_steps: bool
    percents: tuple[int, ...]
    stages: tuple[StageLine, ...]
    places: tuple[AtPlace, ...]
    named: tuple[Named, ...]
    unnamed: int
    left_out: tuple[str, ...]
    overruled_by: str
    overruled_because: str
    usual: Usual
    changed: int
    undo_until: datetime | None
    undo_from: datetime | None
    undone_by: str
    away: Away | None

    @property
    def is_live(self) -> bool:
        return self.ended_at is None


def read_run(run: Run, undo_for: timedelta, now: datetime) -> RunPage:
    """Eleven queries, however many targets."""
    counted, readings = _targets(run), _readings(run)
    plan = Plan.objects.filter(pk=run.plan_id).values("findings", "preapproval__terms").get()
    verdicts = _verdicts(run)
    overruled = [verdict for verdict in verdicts.values() if verdict.overruled_by]
    first, count = _resources(run)
    named, unnamed = _named(run)
    undone = Run.objects.filter(undo_of=run).order_by("-accepted_at").values_list("reference", flat=True).first()
    done = sum(row.count for row in counted if row.step in (Step.IN_PLACE, Step.VERIFIED) and row.attempts)
    action, away = CATALOGUE[run.action], read_away(run)
    words, terms = action.words, read_terms(plan["preapproval__terms"])
    return RunPage(
        reference=run.reference,
        what=what(count, first, run.action),
        count=count,
        verb=words.verb,
        doing=words.doing,
        done=words.done,
        by=str(run.started_by),
        reason=run.reason,
        phase=run.phase,
        outcome=run.outcome,
        because=run.because,
        detail=run.detail,
        accepted_at=run.accepted_at,
        ended_at=run.ended_at,
        deadline_at=run.deadline_at,
        stop_asked_at=run.stop_asked_at,
        stop_asked_by=str(run.stop_asked_by or ""),
        undo_of=run.undo_of.reference if run.undo_of else "",
        incident=run.incident.reference,
        began=bool(readings),
        check=words.check,
        in_steps=action.in_steps,
        percents=terms.steps,
        stages=lines(run, _stage_facts(run, counted), verdicts),
        places=_places(counted, readings),
        named=named,
        unnamed=unnamed,
        left_out=_left_out(plan["findings"], counted),
        overruled_by=overruled[-1].overruled_by if overruled else "",
        overruled_because=overruled[-1].overruled_because if overruled else "",
        usual=usual_time(run.organization, run.action, terms),
        changed=done,
        undo_until=_undo_until(run, done, undo_for, away, now),
        undo_from=_undo_from(run, action.kind, terms, now),
        undone_by=undone or "",
        away=away,
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    stage: int
    location: str
    title: str
    step: str
    attempts: bool
    count: int
    changed_at: datetime


def _targets(run: Run) -> list[_Counted]:
    rows = (
        Target.objects.filter(run=run)
        .order_by("stage", "location__position")
        .values("stage", "location__position", "location__slug", "location__title", "step", "attempts")
        .annotate(count=Count("pk"), changed=Max("changed_at"))
    )
    return [
        _Counted(
            stage=row["stage"],
            location=row["location__slug"],
            title=row["location__title"],
            step=row["step"],
            attempts=row["attempts"] > 0,
            count=row["count"],
            changed_at=row["changed"],
        )
        for row in rows
    ]


def _readings(run: Run) -> dict[str, Counter[str]]:
    """Title of a location -> mark -> how many points."""
    rows = RunReading.objects.filter(run=run).order_by().values("location__title", "latest").annotate(count=Count("pk"))
    marks: dict[str, Counter[str]] = {}
    for row in rows:
        marks.setdefault(row["location__title"], Counter())[row["latest"]] += row["count"]
    return marks


def _verdicts(run: Run) -> dict[int, Verdict]:
    rows = StageVerdict.objects.filter(run=run).select_related("overruled_by").order_by("stage")
    return {row.stage: Verdict(row.mark, row.at, str(row.overruled_by or ""), row.overruled_because) for row in rows}


def _resources(run: Run) -> tuple[str, int]:
    row = run.locks.aggregate(first=Min("resource__name"), count=Count("pk"))
    return row["first"] or "", row["count"]


def _named(run: Run) -> tuple[tuple[Named, ...], int]:
    """The first targets that are not as planned, and how many more there are."""
    rows = Target.objects.filter(run=run, step__in=(Step.FAILED, Step.SKIPPED)).order_by("index")
    named = [
        Named(*values)
        for values in rows.values_list("resource__name", "location__title", "step", "because", "detail")[:NAMED]
    ]
    return tuple(named), rows.count() - len(named)


def _stage_facts(run: Run, counted: Sequence[_Counted]) -> list[StageFacts]:
    sent = dict(Attempt.objects.filter(target__run=run).order_by().values_list("target__stage").annotate(at=Min("at")))
    facts: dict[int, StageFacts] = {}
    for row in counted:
        stage = facts.setdefault(row.stage, StageFacts(row.stage, sent_at=sent.get(row.stage)))
        stage.add(row.title, row.step, row.count, row.changed_at)
    return [facts[number] for number in sorted(facts)]


def _places(counted: Sequence[_Counted], readings: dict[str, Counter[str]]) -> tuple[AtPlace, ...]:
    steps: dict[str, Counter[str]] = {}
    for row in counted:
        steps.setdefault(row.title, Counter())[row.step] += row.count
    return tuple(
        AtPlace(title, sum(counts.values()), dict(counts), dict(readings.get(title, {})))
        for title, counts in steps.items()
    )


def _left_out(findings: Sequence[dict[str, Any]], counted: Sequence[_Counted]) -> tuple[str, ...]:
    """What the preview said was left out; a location without any target is known by its slug only."""
    titles = {row.location: row.title for row in counted}
    silent = [one["subject"] for one in findings if one["code"] == "guard.unreachable-location"]
    return tuple(titles.get(slug, slug) for slug in silent)


def _undo_from(run: Run, kind: Kind, terms: Terms, now: datetime) -> datetime | None:
    if kind is not Kind.PREFIX or run.ended_at is None or run.undo_of_id is not None:
        return None
    safe = run.ended_at + terms.flap
    return safe if safe > now else None


def _undo_until(run: Run, done: int, undo_for: timedelta, away: Away | None, now: datetime) -> datetime | None:
    if run.ended_at is None or not done:
        return None
    if away is not None:
        return away.until if away.ended_at is None else None
    until = run.ended_at + undo_for
    return until if now < until else None
