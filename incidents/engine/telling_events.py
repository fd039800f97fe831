"""Notices of what people and runs do, from their entries in the audit log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from incidents.domain.canonical import JsonObject
from incidents.domain.notices import SEVERITIES, About, Severity, one_line
from incidents.domain.wording import LISTED, action_words, of_run
from incidents.models import Approval, AuditEntry, NoticeRoute, Organization, Plan, Resource, Run

RUNS = {
    "run.accepted": About.STARTED,
    "run.succeeded": About.SUCCEEDED,
    "run.failed": About.FAILED,
    "run.errored": About.ERRORED,
    "run.stopped": About.STOPPED,
    "run.expired": About.EXPIRED,
}
APPROVALS = {"approval.asked": About.APPROVAL, "approval.break-glass": About.BREAK_GLASS}
INCIDENTS = {
    "incident.opened": About.INCIDENT_OPENED,
    "incident.declared": About.INCIDENT_OPENED,
    "incident.reopened": About.INCIDENT_OPENED,
    "incident.closed": About.INCIDENT_CLOSED,
}
FREEZES = ("freeze.set", "freeze.lifted")
BREAKERS = ("breaker.opened", "breaker.closed")
# Every event that is told of.
TOLD = (*RUNS, *APPROVALS, *INCIDENTS, *FREEZES, *BREAKERS)
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told, and to whom.

    Args:
        key: what it tells of; of two with one key the second is left out.
        organization: slug; empty where it concerns nobody in particular, or several.
        route: the only one that it is for; None for all that hear of such a thing.
        path: of the page on this console that tells the whole.
    """

    key: str
    about: About
    severity: Severity
    subject: str
    text: str
    path: str = ""
    organization: str = ""
    route: NoticeRoute | None = None
    data: JsonObject = field(default_factory=dict)


def tell_entry(row: AuditEntry) -> News:
    """What one entry of an event in `TOLD` says to people."""
    body = json.loads(bytes(row.body))
    key, data, who = f"audit {row.index}", body["data"], str(body["actor"]["name"])
    if row.event in RUNS:
        run = Run.objects.select_related("organization", "plan").get(pk=row.run)
        because = str(data.get("detail") or data.get("reason") or "")
        return _of_run(key, RUNS[row.event], run, [f"Started by {run.started_by}.", because])
    if row.event in APPROVALS:
        return _of_approval(key, APPROVALS[row.event], data, who)
    if row.event in INCIDENTS:
        return _of_incident(key, row.event, row.organization, data, who)
    return _of_freeze(key, row, data, who) if row.event in FREEZES else _of_breaker(key, row.event, data)


def key_of_pause(run: uuid.UUID, stage: int) -> str:
    return f"paused {run} {stage}"


def tell_paused(run: Run) -> News:
    """That a run asks a person; once a stage."""
    text = ["It could not be proven from outside whether this works. It goes on by itself when the proof arrives."]
    return _of_run(key_of_pause(run.pk, run.stage), About.WAITS, run, text)


def _of_run(key: str, about: About, run: Run, lines: list[str]) -> News:
    names, count = _resources(run.plan)
    return _news(
        key,
        about,
        of_run(about, names, count, run.action),
        [run.organization.title, f"Run {run.reference}: {', '.join(names)}{_more(count)}", *lines],
        f"/runs/{run.reference}",
        run.organization.slug,
        {"run": run.reference, "action": run.action, "resources": names, "resources_count": count},
    )


def _of_approval(key: str, about: About, data: Mapping[str, Any], who: str) -> News:
    row = Approval.objects.select_related("organization", "plan").get(pk=data["approval"])
    names, count = _resources(row.plan)
    return _news(
        key,
        about,
        of_run(about, names, count, row.plan.action),
        [row.organization.title, f"{who}: {row.reason}", f"It is about {', '.join(names)}{_more(count)}."],
        f"/approvals/{row.pk}",
        row.organization.slug,
        {"approval": str(row.pk), "action": row.plan.action, "resources": names, "resources_count": count},
    )


def _of_incident(key: str, event: str, slug: str, data: Mapping[str, Any], who: str) -> News:
    title, number = _title(slug), str(data["incident"])
    verb = event.removeprefix("incident.").replace("declared", "opened")
    by = str(data.get("by", who))
    text = [title, f"{verb.capitalize()} by {by}.", str(data.get("because", ""))]
    subject = f"{number} {verb}: {title}"
    return _news(key, INCIDENTS[event], subject, text, f"/incidents/{number}", slug, {"incident": number})


def _of_freeze(key: str, row: AuditEntry, data: Mapping[str, Any], who: str) -> News:
    action = str(data["action"])
    over = _title(row.organization) if row.organization else (action_words(action) if action else "everyone")
    is_set = row.event == "freeze.set"
    subject = f"Runs are paused: {over}" if is_set else f"Runs may go on: {over}"
    more: JsonObject = {"scope": str(data["scope"]), "action": action, "set": is_set}
    text = [f"By {who}.", str(data["because"])]
    return _news(key, About.FREEZE, subject, text, "/desk/freeze", row.organization, more)


def _of_breaker(key: str, event: str, data: Mapping[str, Any]) -> News:
    action, opened = str(data["action"]), event == "breaker.opened"
    subject = (
        f"Stopped everywhere: {action_words(action)}" if opened else f"Not stopped any more: {action_words(action)}"
    )
    more: JsonObject = {"action": action, "opened": opened}
    return _news(key, About.BREAKER, subject, [str(data.get("because", ""))], "/desk/freeze", "", more)


def _news(
    key: str, about: About, subject: str, lines: list[str], path: str, organization: str, data: JsonObject
) -> News:
    text = "\n".join(one_line(line, LONGEST_REASON) for line in lines if line.strip())
    return News(key, about, SEVERITIES[about], subject, text, path, organization, data=data)


def _resources(plan: Plan) -> tuple[list[str], int]:
    """The first names of what a plan changes, and of how many resources it does."""
    keys = {str(change.resource) for change in plan.thaw().changes}
    names = Resource.objects.filter(pk__in=sorted(keys)[: LISTED * 10]).order_by("position", "name")
    return list(names.values_list("name", flat=True)[:LISTED]), len(keys)


def _more(count: int) -> str:
    return f" and {count - LISTED:,} more" if count > LISTED else ""


def _title(slug: str) -> str:
    return Organization.objects.values_list("title", flat=True).get(slug=slug)
