"""Shows once more who somebody is, before what is serious; they come back to where they were."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from console.access import SignedInRequest, signed_in
from console.pages.answers import go_to
from console.pages.second_factor import given
from console.sign_in import passkeys
from console.sign_in.answers import confirmed, refuse, wanted
from console.sign_in.origin import origin_of_request
from incidents.domain.errors import Refused
from incidents.selectors.factors import read_factors
from incidents.services import sign_in

PAGE = "sign_in/again.html"


@require_http_methods(["GET", "POST"])
@signed_in
def show(request: SignedInRequest) -> HttpResponse:
    context: dict[str, Any] = {"factors": read_factors(request.user), "wanted": wanted(request)}
    if request.method == "GET":
        return render(request, PAGE, context)
    try:
        kind = _by_password(request) if not context["factors"].any else given(request, request.user)[0]
    except Refused as refused:
        return refuse(request, PAGE, refused, context)
    sign_in.confirm(request.user, kind, origin_of_request(request))
    confirmed(request, request.user, kind)
    return go_to(wanted(request) or reverse("start"))


@require_GET
@signed_in
def options(request: SignedInRequest) -> HttpResponse:
    """What the browser asks a passkey of this person for, as JSON."""
    return JsonResponse(passkeys.ask(request, request.user))


def _by_password(request: HttpRequest) -> str:
    """For somebody who has nothing else. Raises Refused."""
    password = request.POST.get("password", "")[:1000]
    if not password:
        raise Refused("Write your password.")
    if sign_in.check_password(request.user.get_username(), password, origin_of_request(request)) is None:
        raise Refused("That is not your password. Capital letters matter in it.")
    return "password"
