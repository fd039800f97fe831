"""Pausing runs: for everyone, for one customer or of one action; shown before it is done, as every change is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from console.access import SignedInRequest, access_desk, denied, signed_in, there
from console.desk_forms import FreezeForm, ReasonForm
from console.pages.answers import see_other
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Breaker, Freeze
from incidents.selectors.breakers import find_breaker, read_breakers
from incidents.selectors.doors import supported_by
from incidents.selectors.freezes import find_freeze, may_freeze_everything, read_freezes, read_reach
from incidents.services import breakers
from incidents.services.freeze import WHY_LIFTED, Over, lift, set_freeze

EVERYONE = "everyone"
CUSTOMER, ACTION = "customer:", "action:"


@require_safe
@signed_in
def freezes(request: SignedInRequest) -> HttpResponse:
    access_desk(request, "support_organization")
    return _show(request, FreezeForm(choices=_choices(request), initial={"over": request.GET.get("over", "")}))


@require_http_methods(["GET", "POST"])
@signed_in
def check(request: SignedInRequest) -> HttpResponse:
    """GET shows what pausing would mean; POST does it."""
    access_desk(request, "support_organization")
    choices = _choices(request)
    form = FreezeForm(request.POST if request.method == "POST" else request.GET, choices=choices)
    if not form.is_valid():
        return _show(request, form)
    chosen, because = form.cleaned_data["over"], form.cleaned_data["because"]
    over = _over(request, chosen)
    if request.method == "GET":
        context = {
            "over": over,
            "chosen": chosen,
            "title": dict(choices)[chosen],
            "because": because,
            "reach": read_reach(over.scope, over.organization, over.action),
        }
        return render(request, "desk/freeze_check.html", context)
    try:
        set_freeze(request.user, over, because)
    except NotAllowed as refused:
        raise denied(request, over.organization) from refused
    except Refused as refused:
        form.add_error("over", str(refused))
        return _show(request, form)
    return see_other("desk-freeze")


@require_http_methods(["GET", "POST"])
@signed_in
def unfreeze(request: SignedInRequest, freeze_id: int) -> HttpResponse:
    access_desk(request, "support_organization")
    if request.method == "GET":
        return see_other("desk-freeze")
    freeze = there(request, find_freeze(request.user, freeze_id))
    form = ReasonForm(request.POST, problem=WHY_LIFTED)
    if not form.is_valid():
        return _show(request, FreezeForm(choices=_choices(request)), form, freeze)
    try:
        lift(request.user, freeze, form.cleaned_data["because"])
    except NotAllowed as refused:
        raise denied(request, freeze.organization) from refused
    return see_other("desk-freeze")


@require_http_methods(["GET", "POST"])
@signed_in
def close_breaker(request: SignedInRequest, breaker_id: int) -> HttpResponse:
    access_desk(request, "support_organization")
    if request.method == "GET":
        return see_other("desk-freeze")
    breaker = there(request, find_breaker(breaker_id))
    form = ReasonForm(request.POST, problem=breakers.WHY)
    if not form.is_valid():
        return _show(request, FreezeForm(choices=_choices(request)), form, breaker)
    try:
        breakers.close(request.user, breaker, form.cleaned_data["because"])
    except NotAllowed as refused:
        raise denied(request, None) from refused
    return see_other("desk-freeze")


def _show(
    request: SignedInRequest,
    form: FreezeForm,
    refused: ReasonForm | None = None,
    at: Freeze | Breaker | None = None,
) -> HttpResponse:
    """The page; with `refused`, the form that would have let what stands at `at` go on."""
    context = {
        "form": form,
        "freezes": read_freezes(request.user),
        "breakers": read_breakers(),
        "may_close": may_freeze_everything(request.user),
        "refused": refused,
        "refused_freeze": at.pk if isinstance(at, Freeze) else None,
        "refused_breaker": at.pk if isinstance(at, Breaker) else None,
    }
    return render(request, "desk/freeze.html", context, status=422 if form.errors or refused else 200)


def _choices(request: SignedInRequest) -> list[tuple[str, str]]:
    """What this person may pause, and nothing else."""
    mine = supported_by(request.user, "support_organization").values_list("slug", "title")
    choices = [(f"{CUSTOMER}{slug}", f"All runs of {title}") for slug, title in mine]
    if may_freeze_everything(request.user):
        choices += [
            (f"{ACTION}{name}", f"“{one.words.can.capitalize()}” for everybody") for name, one in CATALOGUE.items()
        ]
        choices.append((EVERYONE, "All runs of everybody"))
    return choices


def _over(request: SignedInRequest, chosen: str) -> Over:
    """What one of the choices names."""
    if chosen == EVERYONE:
        return Over(Freeze.Scope.EVERYONE)
    if chosen.startswith(ACTION):
        return Over(Freeze.Scope.ACTION, action=chosen.removeprefix(ACTION))
    mine = supported_by(request.user, "support_organization")
    return Over(Freeze.Scope.ORGANIZATION, mine.get(slug=chosen.removeprefix(CUSTOMER)))
