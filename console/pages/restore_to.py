"""Going back: everything, or one location, to what was proven to work, now or by a chosen moment."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_organization, signed_in
from console.forms import RestoreToForm
from console.pages.answers import go_to
from console.pages.preview import EVERYTHING, moment_text
from incidents.selectors.home import open_incident
from incidents.selectors.restoring import read_choices

ACTION = "restore_to"


@require_safe
@signed_in
def restore_to(request: SignedInRequest, slug: str) -> HttpResponse:
    """Without a choice the form; with one, on to the preview, where nothing has changed yet."""
    organization = access_organization(request, slug, "act_for_organization", ACTION).row
    now = timezone.now()
    choices = read_choices(request.user, organization, ACTION, now)
    chosen = "when" in request.GET
    form = RestoreToForm(
        request.GET if chosen else None, choices=choices, now=now, initial={"when": "last", "location": ""}
    )
    if chosen and form.is_valid():
        asked = {"select": EVERYTHING}
        if moment := form.cleaned_data["moment"]:
            asked["at"] = moment_text(moment)
        if location := form.cleaned_data["location"]:
            asked["location"] = location
        return go_to(f"{reverse('preview', args=[slug, ACTION])}?{urlencode(asked)}")
    context = {
        "organization": organization,
        "form": form,
        "choices": choices,
        # Chosen is the moment that the page shows, whatever begins or ends until the form is sent.
        "before": moment_text(choices.began) if choices.began else "",
        "incident": open_incident(organization),
    }
    return render(request, "restore_to/restore_to.html", context, status=422 if form.errors else 200)
