"""Reviews of what one person started alone, and what people are told until they have read it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.access import SignedInRequest, access_review, may_only_see, signed_in
from console.forms import ReviewForm, first_problem
from console.pages.answers import go_to, ours, see_other
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Review
from incidents.selectors.approvals import read_review, reviews_for, unread
from incidents.selectors.audit import scope_of
from incidents.services import notices
from incidents.services.reviews import finish


@require_safe
@signed_in
def everything(request: SignedInRequest) -> HttpResponse:
    """What is to be reviewed by this person, and what has been."""
    rows = reviews_for(request.user)
    context = {
        "to_do": [row for row in rows if row.done_at is None],
        "finished": [row for row in rows if row.done_at is not None],
        "notices": unread(request.user),
        "reads_log": scope_of(request.user) is not None,
    }
    return render(request, "review/list.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def review(request: SignedInRequest, review_id: int) -> HttpResponse:
    """What was run and how it ended; a post writes down what the reviewer has found."""
    row = access_review(request, review_id)
    if request.method == "GET":
        return _show(request, row)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _show(request, row, first_problem(form))
    try:
        finish(request.user, row, form.cleaned_data["found"])
    except NotAllowed as refused:
        raise may_only_see(request, row.run.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, row, str(refused))
    return see_other("reviews")


@require_POST
@signed_in
def read_notice(request: SignedInRequest, notice_id: int) -> HttpResponse:
    """Whoever it is not for changes nothing, and learns nothing."""
    notices.read(request.user, notice_id)
    return go_to(ours(request, request.POST.get("back", "")) or reverse("start"))


def _show(request: SignedInRequest, row: Review, problem: str = "") -> HttpResponse:
    line, plan = read_review(row)
    context = {"organization": row.run.organization, "row": line, "page": plan, "problem": problem}
    return render(request, "review/review.html", context, status=422 if problem else 200)
