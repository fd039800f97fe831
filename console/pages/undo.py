"""The preview of an undo. From here on it is an action like any other."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_run, signed_in
from console.pages.consent import Asked, answer_post, overridden, show
from incidents.services.undo import propose_undo


@require_http_methods(["GET", "POST"])
@signed_in
def undo(request: SignedInRequest, reference: str) -> HttpResponse:
    run = access_run(request, reference, "act_for_organization").row
    asked = Asked(
        organization=run.organization,
        back=reverse("run", args=[run.reference]),
        make=lambda: propose_undo(request.user, run, overridden(request)),
    )
    return answer_post(request, asked) if request.method == "POST" else show(request, asked)
