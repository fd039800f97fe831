"""What a person says to a run: stop, go on without proof, or leave it so for another while."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_run, signed_in
from console.forms import OverruleForm, TimeForm
from console.pages.run import show_run
from incidents.domain.errors import NotAllowed, Refused
from incidents.services import control, hand_backs


@require_http_methods(["GET", "POST"])
@signed_in
def stop_run(request: SignedInRequest, reference: str) -> HttpResponse:
    """Harmless when repeated or too late: the page tells how it ended."""
    if request.method == "GET":
        return _back_to(reference)
    run = access_run(request, reference, "act_for_organization").row
    try:
        control.stop(request.user, run)
    except NotAllowed as refused:
        raise PermissionDenied(str(refused)) from refused
    return _back_to(reference)


@require_http_methods(["GET", "POST"])
@signed_in
def overrule_run(request: SignedInRequest, reference: str) -> HttpResponse:
    if request.method == "GET":
        # After a refused form the address stays here; a page that is loaded again must not be empty.
        return _back_to(reference)
    entered = access_run(request, reference, "act_for_organization")
    form = OverruleForm(request.POST)
    if not form.is_valid():
        return show_run(request, entered, form)
    try:
        control.overrule(request.user, entered.row, form.cleaned_data["reason"])
    except NotAllowed as refused:
        raise PermissionDenied(str(refused)) from refused
    except Refused as refused:
        form.add_error(None, str(refused))
        return show_run(request, entered, form)
    return _back_to(reference)


@require_http_methods(["GET", "POST"])
@signed_in
def extend_away(request: SignedInRequest, reference: str) -> HttpResponse:
    """Moves the time at which the traffic comes back by itself."""
    if request.method == "GET":
        return _back_to(reference)
    entered = access_run(request, reference, "act_for_organization")
    form = TimeForm(request.POST)
    if not form.is_valid():
        return show_run(request, entered, form)
    try:
        hand_backs.extend(request.user, entered.row, form.cleaned_data["minutes"])
    except NotAllowed as refused:
        raise PermissionDenied(str(refused)) from refused
    except Refused as refused:
        form.add_error("minutes", str(refused))
        return show_run(request, entered, form)
    return _back_to(reference)


def _back_to(reference: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse("run", args=[reference]))
    response.status_code = 303
    return response
