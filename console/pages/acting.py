"""Acting for a customer: the form of the caller's consent, and its end."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_organization, access_supported, may_only_see, signed_in, there
from console.desk_forms import ActForm
from console.pages.answers import see_other
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Organization, Person
from incidents.selectors.callers import approved_actions, find_consent, read_callers
from incidents.selectors.home import open_incident
from incidents.services import consents


@require_http_methods(["GET", "POST"])
@signed_in
def act(request: SignedInRequest, slug: str) -> HttpResponse:
    """Asks who called, how they were recognised, and what they agreed to; afterwards the customer's own page."""
    organization = access_supported(request, slug).row
    callers = read_callers(organization)
    actions = [(name, CATALOGUE[name].words.can.capitalize()) for name in approved_actions(organization)]
    choices = [(person.username, str(person)) for person in callers]
    if request.method == "GET":
        form = ActForm(callers=choices, actions=actions, initial={"minutes": 60})
        return _show(request, organization, form)
    form = ActForm(request.POST, callers=choices, actions=actions)
    if form.is_valid():
        caller = next((one for one in callers if one.username == form.cleaned_data["caller_person"]), None)
        try:
            consents.record(request.user, organization, _said(form, caller))
        except NotAllowed as refused:
            raise may_only_see(request, organization, str(refused)) from refused
        except Refused as refused:
            form.add_error("agreed", str(refused))
        else:
            return see_other("home", slug)
    return _show(request, organization, form)


@require_http_methods(["GET", "POST"])
@signed_in
def end(request: SignedInRequest, slug: str, consent_id: uuid.UUID) -> HttpResponse:
    """Harmless when repeated or too late: the page afterwards shows whether anybody still acts."""
    organization = access_organization(request, slug).row
    if request.method == "POST":
        consent = there(request, find_consent(organization, consent_id), organization)
        try:
            consents.end(request.user, consent)
        except NotAllowed as refused:
            raise may_only_see(request, organization, str(refused)) from refused
    return see_other("home", slug)


def _said(form: ActForm, caller: Person | None) -> consents.Said:
    said = form.cleaned_data
    return consents.Said(
        caller=said["caller"],
        caller_person=caller,
        recognised=said["recognised"],
        recognised_by=said["recognised_by"],
        agreed=said["agreed"],
        actions=said["actions"],
        lasts=form.lasts,
    )


def _show(request: SignedInRequest, organization: Organization, form: ActForm) -> HttpResponse:
    context = {"organization": organization, "form": form, "incident": open_incident(organization)}
    return render(request, "desk/act.html", context, status=422 if form.errors else 200)
