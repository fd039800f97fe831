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

from incidents.actions.base import Words
from incidents.actions.catalogue import CATALOGUE
from incidents.actions.restore_to import LEFT_OUT, NOT_SEEN
from incidents.domain.approvals import State
from incidents.domain.runs import Outcome, Step
from incidents.domain.terms import read_terms
from incidents.models import Attempt, Plan, Run, RunReading, StageVerdict, Target
from incidents.selectors.away import Away, read_away
from incidents.selectors.runs import started_by, what
from incidents.selectors.stages import StageFacts, StageLine, Verdict, lines
from incidents.selectors.undoing import Limits, Undoing, read_undoing
from incidents.selectors.usual import Usual, usual_time

OF_PLAN = (
    "findings", "preapproval__terms", "consent__caller",
    "approval__state", "approval__alone", "approval__decided_by__title",
)  # fmt: skip
# A page that names a thousand prefixes helps nobody; the rest is counted.
NAMED = 50
# Folded away, for whoever has to put them right one by one.
MOST_CHANGED = 2000


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
class Astray:
    """The first targets that are not as planned, and how many more there are."""

    named: tuple[Named, ...]
    more: int


@dataclass(frozen=True, slots=True)
class RunPage:
    """The page.

    Args:
        what: the resource, or how many.
        agreed: how the second person is called who agreed; empty where none was asked.
        alone: whether one person started alone what takes two.
        began: whether the points were measured before the first effect.
        in_steps: whether stages are steps of one way, which all locations go together; `percents` how far each leads.
        overruled: the last verdict that somebody overruled, and why; None when nobody did.
        left_out: titles of locations that the plan left out because they did not answer.
        spared: what was left out of a plan for everything, each with its reason.
        changed: names of what an unsuccessful run has changed before its end; at most `MOST_CHANGED`.
        astray: targets that are not as planned.
        undo: whether and when it may be undone.
        away: until when what it moved stays so; None where it was for good.
    """

    reference: str
    action: str
    what: str
    count: int
    words: Words
    by: str
    agreed: str
    alone: bool
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
    in_steps: bool
    percents: tuple[int, ...]
    stages: tuple[StageLine, ...]
    places: tuple[AtPlace, ...]
    astray: Astray
    left_out: tuple[str, ...]
    spared: tuple[str, ...]
    changed: tuple[str, ...]
    overruled: Verdict | None
    usual: Usual
    undo: Undoing
    away: Away | None

    @property
    def several(self) -> bool:
        """Whether things of several kinds change."""
        return len({kind for stage in self.stages for kind in stage.kinds}) > 1

    @property
    def is_live(self) -> bool:
        return self.ended_at is None


def read_run(run: Run, undo_for: timedelta, now: datetime) -> RunPage:
    """Eleven queries, however many targets; one more where it has ended without success."""
    action = CATALOGUE[run.action]
    counted, readings = _targets(run), _readings(run, newest=action.in_steps or len(action.kinds) > 1)
    plan = Plan.objects.filter(pk=run.plan_id).values(*OF_PLAN).get()
    verdicts = _verdicts(run)
    first, count = _resources(run)
    done = sum(row.count for row in counted if row.step in (Step.IN_PLACE, Step.VERIFIED) and row.attempts)
    away = read_away(run)
    terms = read_terms(plan["preapproval__terms"])
    return RunPage(
        reference=run.reference,
        action=run.action,
        what=what(count, first, run.action),
        count=count,
        words=action.words,
        by=started_by(run, plan["consent__caller"]),
        agreed=plan["approval__decided_by__title"] or "" if plan["approval__state"] == State.APPROVED else "",
        alone=plan["approval__alone"] is True,
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
        in_steps=action.in_steps,
        percents=run.plan.thaw().percents if action.in_steps else (),
        stages=lines(run, _stage_facts(run, counted), verdicts),
        places=_places(counted, readings),
        astray=_astray(run),
        left_out=_left_out(plan["findings"], counted),
        spared=_spared(plan["findings"]) if len(action.kinds) > 1 else (),
        changed=_changed(run),
        overruled=next((one for one in reversed(list(verdicts.values())) if one.overruled_by), None),
        usual=usual_time(run.organization, run.action, terms),
        undo=read_undoing(run, done, away, Limits(undo_for, terms.flap, action.kinds), now),
        away=away,
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    stage: int
    location: str
    title: str
    kind: str
    step: str
    attempts: bool
    count: int
    changed_at: datetime


def _targets(run: Run) -> list[_Counted]:
    rows = (
        Target.objects.filter(run=run)
        .order_by("stage", "location__position")
        .values(
            "stage", "location__position", "location__slug", "location__title", "resource__kind", "step", "attempts"
        )
        .annotate(count=Count("pk"), changed=Max("changed_at"))
    )
    return [
        _Counted(
            stage=row["stage"],
            location=row["location__slug"],
            title=row["location__title"],
            kind=row["resource__kind"],
            step=row["step"],
            attempts=row["attempts"] > 0,
            count=row["count"],
            changed_at=row["changed"],
        )
        for row in rows
    ]


def _readings(run: Run, *, newest: bool) -> dict[str, Counter[str]]:
    """Title of a location -> mark -> how many points.

    With `newest` of the stage alone that it has come to: what earlier ones read was on the way.
    """
    of_run = RunReading.objects.filter(run=run, stage=run.stage) if newest else RunReading.objects.filter(run=run)
    rows = of_run.order_by().values("location__title", "latest").annotate(count=Count("pk"))
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


def _astray(run: Run) -> Astray:
    rows = Target.objects.filter(run=run, step__in=(Step.FAILED, Step.SKIPPED)).order_by("index")
    named = [
        Named(*values)
        for values in rows.values_list("resource__name", "location__title", "step", "because", "detail")[:NAMED]
    ]
    return Astray(tuple(named), rows.count() - len(named))


def _stage_facts(run: Run, counted: Sequence[_Counted]) -> list[StageFacts]:
    sent = dict(Attempt.objects.filter(target__run=run).order_by().values_list("target__stage").annotate(at=Min("at")))
    facts: dict[int, StageFacts] = {}
    for row in counted:
        stage = facts.setdefault(row.stage, StageFacts(row.stage, sent_at=sent.get(row.stage)))
        stage.add(row.title, row.kind, row.step, row.count, row.changed_at)
    return [facts[number] for number in sorted(facts)]


def _places(counted: Sequence[_Counted], readings: dict[str, Counter[str]]) -> tuple[AtPlace, ...]:
    steps: dict[str, Counter[str]] = {}
    for row in counted:
        steps.setdefault(row.title, Counter())[row.step] += row.count
    return tuple(
        AtPlace(title, sum(counts.values()), dict(counts), dict(readings.get(title, {})))
        for title, counts in steps.items()
    )


def _changed(run: Run) -> tuple[str, ...]:
    """Names of what was sent, and may be so now, where the run has not come to the end that it was made for."""
    if run.ended_at is None or run.outcome == Outcome.SUCCEEDED:
        return ()
    sent = Target.objects.filter(run=run, attempts__gt=0).order_by("resource__position", "resource__name")
    return tuple(dict.fromkeys(sent.values_list("resource__name", flat=True)))[:MOST_CHANGED]


def _spared(findings: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        one["text"]
        for one in findings
        if one["severity"] == "warning" and (one["code"] == NOT_SEEN or one["text"].endswith(LEFT_OUT))
    )


def _left_out(findings: Sequence[dict[str, Any]], counted: Sequence[_Counted]) -> tuple[str, ...]:
    """What the preview said was left out; a location without any target is known by its slug only."""
    titles = {row.location: row.title for row in counted}
    silent = [one["subject"] for one in findings if one["code"] == "guard.unreachable-location"]
    return tuple(titles.get(slug, slug) for slug in silent)
