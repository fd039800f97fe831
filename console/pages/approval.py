"""A second person's yes or no: exactly the plan that would run, and two forms. Nothing changes by looking."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from console.access import SignedInRequest, access_approval, may_only_see, signed_in, signed_in_fragment
from console.forms import DecisionForm, first_problem
from console.pages.answers import go_to
from console.pages.polling import WATCHING_FAULT, announcement, poll, stamped, unchanged
from console.step_up import CONFIRM_FIRST, confirm_address, is_fresh
from console.templatetags.words import capital
from incidents.domain.approvals import State
from incidents.domain.errors import NotAllowed, Refused
from incidents.engine.grants import may_approve
from incidents.models import Approval
from incidents.selectors.approvals import EXPIRED, ApprovalPage, read_approval_page, state_of, unread, waiting_for
from incidents.selectors.doors import Found
from incidents.services import approvals
from incidents.services.approvals import Answer

HEADLINES = {
    State.APPROVED: "A second person agreed",
    State.DENIED: "The answer is no",
    State.OVERTAKEN: "This can no longer be agreed to",
    State.WITHDRAWN: "This was taken back",
    EXPIRED: "Nobody answered in time",
}


@require_safe
@signed_in
def everything(request: SignedInRequest) -> HttpResponse:
    """What waits for this person's answer, and what they wait for themselves."""
    rows = waiting_for(request.user, timezone.now())
    context: dict[str, Any] = {
        "asked": [row for row in rows if not row.mine],
        "mine": [row for row in rows if row.mine],
    }
    context["notices"] = unread(request.user)
    return render(request, "approval/list.html", context)


@require_safe
@signed_in
def approval(request: SignedInRequest, approval_id: uuid.UUID) -> HttpResponse:
    return _show(request, access_approval(request, approval_id))


@require_safe
@signed_in_fragment
def state(request: SignedInRequest, approval_id: uuid.UUID) -> HttpResponse:
    """The polled part: what was said so far. The forms stand outside of it, so nothing moves under a finger."""
    entered = access_approval(request, approval_id)
    now = timezone.now()
    if request.GET.get("v") == _token(entered.row, now):
        return unchanged(now)
    context = _context(request, entered, now)
    context["announce"] = announcement(request, context["headline"])
    return stamped(render(request, "approval/_fragment.html", context), now)


@require_http_methods(["GET", "POST"])
@signed_in
def agree(request: SignedInRequest, approval_id: uuid.UUID) -> HttpResponse:
    """The run begins at once, and its page is the answer."""

    def act(row: Approval, answer: Answer) -> str:
        return reverse("run", args=[approvals.approve(request.user, row, answer).reference])

    return _answer(request, approval_id, act)


@require_http_methods(["GET", "POST"])
@signed_in
def refuse(request: SignedInRequest, approval_id: uuid.UUID) -> HttpResponse:
    def act(row: Approval, answer: Answer) -> str:
        approvals.deny(request.user, row, answer)
        return _address(approval_id)

    return _answer(request, approval_id, act)


@require_http_methods(["GET", "POST"])
@signed_in
def take_back(request: SignedInRequest, approval_id: uuid.UUID) -> HttpResponse:
    """Whoever asked does not want it any more. Starts nothing, so it needs no fresh proof of who they are."""
    if request.method == "GET":
        return go_to(_address(approval_id))
    entered = access_approval(request, approval_id)
    try:
        approvals.withdraw(request.user, entered.row)
    except NotAllowed as refused:
        raise may_only_see(request, entered.row.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, entered, str(refused))
    return go_to(_address(approval_id))


def _answer(request: SignedInRequest, approval_id: uuid.UUID, act: Callable[[Approval, Answer], str]) -> HttpResponse:
    if request.method == "GET":
        # After a refused form the address stays here; a page that is loaded again must not be empty.
        return go_to(_address(approval_id))
    entered = access_approval(request, approval_id)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _show(request, entered, first_problem(form))
    if not is_fresh(request):
        return _show(request, entered, CONFIRM_FIRST, form.cleaned_data["words"])
    try:
        return go_to(act(entered.row, Answer(**form.cleaned_data)))
    except NotAllowed as refused:
        raise may_only_see(request, entered.row.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, access_approval(request, approval_id), str(refused), form.cleaned_data["words"])


def _show(request: SignedInRequest, entered: Found[Approval], problem: str = "", words: str = "") -> HttpResponse:
    context = _context(request, entered, timezone.now()) | {"problem": problem, "words": words}
    return stamped(render(request, "approval/approval.html", context, status=422 if problem else 200), None)


def _context(request: SignedInRequest, entered: Found[Approval], now: datetime) -> dict[str, Any]:
    row = entered.row
    approves = may_approve(request.user, row.plan.preapproval)
    page = read_approval_page(request.user, row, approves=approves, now=now)
    says = headline(page)
    fragment = reverse("approval-state", args=[row.pk])
    seconds = WATCHING_FAULT if page.waits else 0
    return {
        "organization": row.organization,
        "page": page,
        "headline": says,
        "incident": page.plan.incident,
        "poll": poll(request, fragment, _token(row, now), says, seconds),
        "confirm": "" if is_fresh(request) else confirm_address(request, _address(row.pk)),
    }


def headline(page: ApprovalPage) -> str:
    """The one sentence that is true now."""
    if not page.waits:
        return HEADLINES[page.state]
    if page.may_decide:
        return f"{capital(page.asked_by)} asks you to agree: {page.plan.verb.lower()} {page.plan.what}"
    return "Waiting for a second person to agree"


def _token(row: Approval, now: datetime) -> str:
    return f"{row.version}-{state_of(row, now)}"


def _address(approval_id: uuid.UUID) -> str:
    return reverse("approval", args=[approval_id])
