"""What a person says to a run: stop, go on without proof, or leave it so for another while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_run, may_only_see, signed_in
from console.forms import OverruleForm, TimeForm
from console.pages.answers import go_to
from console.pages.run import confirm_before, show_run
from console.step_up import CONFIRM_FIRST
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Run
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
        raise may_only_see(request, run.organization, str(refused)) from refused
    return _back_to(reference)


@require_http_methods(["GET", "POST"])
@signed_in
def overrule_run(request: SignedInRequest, reference: str) -> HttpResponse:
    """It lets further changes be sent, so where it is serious the person shows first that it is them."""

    def go_on(run: Run, said: dict[str, Any]) -> None:
        if confirm_before(request, run):
            raise Refused(CONFIRM_FIRST)
        control.overrule(request.user, run, said["reason"])

    return _answer(request, reference, OverruleForm(request.POST), go_on)


@require_http_methods(["GET", "POST"])
@signed_in
def extend_away(request: SignedInRequest, reference: str) -> HttpResponse:
    """Moves the time at which the traffic comes back by itself."""
    return _answer(
        request,
        reference,
        TimeForm(request.POST),
        lambda run, said: hand_backs.extend(request.user, run, said["minutes"]),
    )


def _answer(
    request: SignedInRequest,
    reference: str,
    form: OverruleForm | TimeForm,
    act: Callable[[Run, dict[str, Any]], None],
) -> HttpResponse:
    """Does what a form on the page of a run asks for; shows the page again, with the reason, where that is refused."""
    if request.method == "GET":
        # After a refused form the address stays here; a page that is loaded again must not be empty.
        return _back_to(reference)
    entered = access_run(request, reference, "act_for_organization")
    if not form.is_valid():
        return show_run(request, entered, form)
    try:
        act(entered.row, form.cleaned_data)
    except NotAllowed as refused:
        raise may_only_see(request, entered.row.organization, str(refused)) from refused
    except Refused as refused:
        form.add_error(next(iter(form.fields)), str(refused))
        return show_run(request, entered, form)
    return _back_to(reference)


def _back_to(reference: str) -> HttpResponse:
    return go_to(reverse("run", args=[reference]))
