"""What a form is answered with when it was heard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def see_other(name: str, *args: object) -> HttpResponse:
    """To the page of that name."""
    return go_to(reverse(name, args=args))


def go_to(address: str) -> HttpResponse:
    """303: whatever the browser's habits, the next request is a GET, and "reload" posts nothing again."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def ours(request: HttpRequest, address: str) -> str:
    """The address, where it is one of this console; empty otherwise, so that no link of ours leads away."""
    fits = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if fits else ""
