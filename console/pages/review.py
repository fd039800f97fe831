"""Reviews of what one person started alone, and what people are told until they have read it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.access import SignedInRequest, access_review, may_only_see, signed_in
from console.forms import ReviewForm, first_problem
from console.pages.answers import go_to
from incidents.domain.errors import NotAllowed, Refused
from incidents.selectors.approvals import reviews_for, unread
from incidents.services import notices
from incidents.services.reviews import finish


@require_safe
@signed_in
def everything(request: SignedInRequest) -> HttpResponse:
    return _show(request)


@require_http_methods(["GET", "POST"])
@signed_in
def done(request: SignedInRequest, review_id: int) -> HttpResponse:
    """Writes down what the reviewer has found."""
    if request.method == "GET":
        return go_to(reverse("reviews"))
    row = access_review(request, review_id)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _show(request, first_problem(form))
    try:
        finish(request.user, row, form.cleaned_data["found"])
    except NotAllowed as refused:
        raise may_only_see(request, row.run.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, str(refused))
    return go_to(reverse("reviews"))


@require_POST
@signed_in
def read_notice(request: SignedInRequest, notice_id: int) -> HttpResponse:
    """Whoever it is not for changes nothing, and learns nothing."""
    notices.read(request.user, notice_id)
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return go_to(back if ours else reverse("start"))


def _show(request: SignedInRequest, problem: str = "") -> HttpResponse:
    rows = reviews_for(request.user)
    context = {
        "to_do": [row for row in rows if row.done_at is None],
        "finished": [row for row in rows if row.done_at is not None],
        "problem": problem,
        "notices": unread(request.user),
    }
    return render(request, "review/list.html", context, status=422 if problem else 200)
