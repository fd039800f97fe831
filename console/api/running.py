"""Runs: started by the digest of what was read, watched, continued and stopped."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router

from console.api.bearer import CallerRequest
from console.api.doors import as_on_pages, enter, enter_approval, enter_run
from console.api.keys import once
from console.api.problems import Problem
from console.api.said import GoOn, Yes
from console.api.scoped import reads, runs
from console.api.stepping import step_up
from console.api.told_home import RunsOut, of_line
from console.api.told_run import ApprovalOut, RunOut, StartedOut, of_approval, of_run
from incidents.models import Organization, Run
from incidents.selectors.preview import read_weight
from incidents.selectors.run import read_run
from incidents.selectors.runs import newest_runs
from incidents.services import control
from incidents.services.approvals import ask
from incidents.services.denials import record_unusable
from incidents.services.start import Consent, start
from incidents.services.undo import UNDO_FOR

router = Router(tags=["runs"])
MOST_RUNS = 100
WAITS = "waits for approval"
ACCEPTED = "accepted"


@router.get("/organizations/{slug:slug}/runs", url_name="api-runs", operation_id="runs", response=RunsOut, **reads())
def listed(
    request: CallerRequest,
    slug: str,
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS)] = 20,
    before: Annotated[str, Query(max_length=16, description="Reference of a run: only those before it.")] = "",
) -> RunsOut:
    """The runs of an organization, the newest first."""
    row = enter(request, slug).row
    older_than = enter_run(request, before).row if before else None
    lines = newest_runs(row, limit, older_than)
    return RunsOut(runs=[of_line(line) for line in lines], next=lines[-1].reference if len(lines) == limit else "")


@router.post(
    "/organizations/{slug:slug}/runs",
    url_name="api-runs",
    operation_id="start",
    response={201: StartedOut, 202: StartedOut},
    **runs(),
)
def begin(request: CallerRequest, slug: str, yes: Yes) -> HttpResponse:
    """Says yes to a preview: 201 and a run; or, where a second person must agree, 202 and what waits for them."""
    row = enter(request, slug, "act_for_organization").row
    return once(request, "start", yes.digest, yes, lambda key: _begin(request, row, yes, key))


@router.get("/runs/{slug:reference}", url_name="api-run", operation_id="run", response=RunOut, **reads())
def read(request: CallerRequest, reference: str) -> RunOut:
    """Where a run is, what is true at every location, and what was seen from outside."""
    return _told(enter_run(request, reference).row)


@router.post("/runs/{slug:reference}/stop", url_name="api-stop", operation_id="stop", response={200: RunOut}, **runs())
def stop(request: CallerRequest, reference: str) -> HttpResponse:
    """No further changes; harmless when it has ended already."""
    run = enter_run(request, reference, "act_for_organization").row

    def act(key: str) -> tuple[int, RunOut]:
        with as_on_pages(request, run.organization):
            control.stop(request.user, run)
        return HTTPStatus.OK, _told(enter_run(request, reference).row)

    return once(request, "stop", reference, None, act)


@router.post(
    "/runs/{slug:reference}/continue",
    url_name="api-continue",
    operation_id="continue",
    response={200: RunOut},
    **runs(),
)
def go_on(request: CallerRequest, reference: str, said: GoOn) -> HttpResponse:
    """Goes on with a run that asks, although it could not be proven from outside that its change works."""
    run = enter_run(request, reference, "act_for_organization").row

    def act(key: str) -> tuple[int, RunOut]:
        step_up(request, read_weight(run.organization, run.plan_id), said.code)
        with as_on_pages(request, run.organization):
            control.overrule(request.user, run, said.reason)
        return HTTPStatus.OK, _told(enter_run(request, reference).row)

    return once(request, "continue", reference, said, act)


@router.get(
    "/approvals/{uuid:approval_id}",
    url_name="api-approval",
    operation_id="approval",
    response=ApprovalOut,
    **reads(),
)
def approval(request: CallerRequest, approval_id: uuid.UUID) -> ApprovalOut:
    """What a second person has said, and the run that began by it. They answer on a page, never through here."""
    return of_approval(enter_approval(request, approval_id), timezone.now())


def _begin(request: CallerRequest, row: Organization, yes: Yes, key: str) -> tuple[int, StartedOut]:
    weight = read_weight(row, yes.digest)
    if not weight.tier:
        problem = Problem(HTTPStatus.NOT_FOUND, "plan.unknown")
        record_unusable(request.user, row, request.get_full_path(), problem.code)
        raise problem
    step_up(request, weight, yes.code)
    consent = Consent(yes.digest, key, yes.reason.strip(), yes.understood, yes.word)
    with as_on_pages(request, row):
        if weight.takes_two:
            asked = ask(request.user, row, consent)
            url = reverse("api-approval", args=[asked.pk])
            return HTTPStatus.ACCEPTED, StartedOut(state=WAITS, run="", approval=str(asked.pk), url=url)
        run = start(request.user, row, consent)
    url = reverse("api-run", args=[run.reference])
    return HTTPStatus.CREATED, StartedOut(state=ACCEPTED, run=run.reference, approval="", url=url)


def _told(run: Run) -> RunOut:
    return of_run(run, read_run(run, UNDO_FOR, timezone.now()))
