"""What was running where at a chosen moment. Reads what is stored, and changes nothing."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_organization, signed_in
from console.forms import MomentForm
from incidents.selectors.chosen import Chosen
from incidents.selectors.snapshots import read_moment

# So many things are shown, unless all are asked for.
SHOWN = 100


@require_safe
@signed_in
def then(request: SignedInRequest, slug: str) -> HttpResponse:
    organization = access_organization(request, slug).row
    form = MomentForm(request.GET if "at" in request.GET else None, now=timezone.now())
    moment = form.cleaned_data["at"] if form.is_valid() else None
    lines = read_moment(Chosen(organization=organization.slug), moment) if moment else ()
    shown = lines if request.GET.get("all") == "yes" else lines[:SHOWN]
    context = {
        "organization": organization,
        "form": form,
        "moment": moment,
        "lines": shown,
        "beyond": len(lines) - len(shown),
    }
    return render(request, "drift/then.html", context, status=422 if form.errors else 200)
