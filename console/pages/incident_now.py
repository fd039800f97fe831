"""Opening and closing the incident of an organization, by its owners or by support."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_organization, denied, may_only_see, signed_in
from console.desk_forms import ReasonForm
from console.pages.answers import see_other
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Organization
from incidents.selectors.home import open_incident
from incidents.services.incidents import WHY, WHY_CLOSED, close, declare


@require_http_methods(["GET", "POST"])
@signed_in
def incident(request: SignedInRequest, slug: str) -> HttpResponse:
    """GET shows the one form that makes sense now; POST says by `verb` which one was filled in."""
    entered = access_organization(request, slug)
    organization = entered.row
    if not entered.is_owner_or_support:
        raise denied(request, organization)
    if request.method == "GET":
        return _show(request, organization)
    closing = request.POST.get("verb") == "close"
    form = ReasonForm(request.POST, problem=WHY_CLOSED if closing else WHY)
    if form.is_valid():
        try:
            (close if closing else declare)(request.user, organization, form.cleaned_data["because"])
        except NotAllowed as refused:
            raise may_only_see(request, organization, str(refused)) from refused
        except Refused as refused:
            form.add_error("because", str(refused))
        else:
            return see_other("home", slug)
    return _show(request, organization, form)


def _show(request: SignedInRequest, organization: Organization, form: ReasonForm | None = None) -> HttpResponse:
    context = {"organization": organization, "incident": open_incident(organization), "form": form}
    return render(request, "incident/now.html", context, status=422 if form else 200)
