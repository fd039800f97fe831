"""Shows a plan and takes a person's yes to it; the same for an action and for an undo.

What a post is answered with:

1. a run, new or the one that the same form started before: 303 to its page; where a second person must agree, the
   page on which they do;
2. another run is at it: 409, with a link to that run;
3. anything else that speaks against it: 422, the reason on top and a new preview below.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from console.access import SignedInRequest, may_only_see
from console.forms import ConsentForm, first_problem
from console.pages.answers import go_to
from console.step_up import CONFIRM_FIRST, confirm_first
from incidents.domain.errors import EmptySelector, NotAllowed, Refused
from incidents.models import Organization, Plan, Run
from incidents.selectors.preview import Weight, read_preview, read_stored, read_weight
from incidents.services.approvals import ask
from incidents.services.break_glass import break_glass
from incidents.services.denials import record_unusable
from incidents.services.start import Consent, start

LONGEST_CODE, MOST_CODES = 40, 20
ONE_AT_A_TIME = "guard.one-at-a-time"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a preview is asked for.

    Args:
        back: where "Back" and "Cancel" lead to.
        make: makes a fresh plan of it; raises Refused.
    """

    organization: Organization
    back: str
    make: Callable[[], Plan]


def overridden(request: SignedInRequest) -> list[str]:
    """Codes of the checks that the person wants to go on against; what is none of them is left out by `propose`."""
    return [code[:LONGEST_CODE] for code in request.GET.getlist("override")[:MOST_CODES]]


def show(request: SignedInRequest, asked: Asked, problem: str = "", reason: str = "") -> HttpResponse:
    """A fresh preview. With `problem` it answers a post that was refused, keeping the reason that was typed."""
    context: dict[str, object] = {"organization": asked.organization, "back": asked.back, "problem": problem}
    status = 422 if problem else 200
    try:
        page = read_preview(asked.make())
    except EmptySelector:
        if not problem:
            raise
        return render(request, "preview/refused.html", context, status=status)
    except NotAllowed as refused:
        raise may_only_see(request, asked.organization, str(refused)) from refused
    except Refused as refused:
        context["problem"] = problem or str(refused)
        return render(request, "preview/refused.html", context, status=422)
    context |= {"page": page, "key": uuid.uuid4(), "reason": reason, "incident": page.incident}
    context["confirm"] = confirm_first(request, Weight(page.tier, bool(page.second_person)), request.get_full_path())
    # What the form that overrides checks has to send again.
    context["asked"] = [(name, value) for name, values in request.GET.lists() for value in values if name != "override"]
    response = render(request, "preview/preview.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def answer_post(request: SignedInRequest, asked: Asked) -> HttpResponse:
    form = ConsentForm(request.POST)
    if not form.is_valid():
        problem = first_problem(form)
        record_unusable(request.user, asked.organization, request.get_full_path(), problem)
        return show(request, asked, problem, request.POST.get("reason", "")[:500])
    consent = Consent(**form.cleaned_data)
    weight = read_weight(asked.organization, consent.digest)
    if confirm_first(request, weight, request.get_full_path()):
        return show(request, asked, CONFIRM_FIRST, consent.reason)
    try:
        if request.POST.get("alone") == "yes":
            return go_to(_run_page(break_glass(request.user, asked.organization, consent)))
        if weight.takes_two:
            row = ask(request.user, asked.organization, consent)
            return go_to(reverse("approval", args=[row.pk]))
        return go_to(_run_page(start(request.user, asked.organization, consent)))
    except Refused as refused:
        return _refused(request, asked, refused, consent)


def _run_page(run: Run) -> str:
    return reverse("run", args=[run.reference])


def _refused(request: SignedInRequest, asked: Asked, refused: Refused, consent: Consent) -> HttpResponse:
    codes = [finding.code for finding in refused.findings]
    if "guard.permission" in codes:
        raise may_only_see(request, asked.organization, str(refused)) from refused
    if ONE_AT_A_TIME in codes:
        page = read_stored(asked.organization, consent.digest)
        if page is not None:
            context = {"organization": asked.organization, "back": asked.back, "page": page, "refused": refused}
            return render(request, "preview/busy.html", context | {"incident": page.incident}, status=409)
    return show(request, asked, str(refused), consent.reason)
