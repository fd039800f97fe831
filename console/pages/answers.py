"""What a form is answered with when it was heard."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse


def see_other(name: str, *args: object) -> HttpResponse:
    """To the page of that name."""
    return go_to(reverse(name, args=args))


def go_to(address: str) -> HttpResponse:
    """303: whatever the browser's habits, the next request is a GET, and "reload" posts nothing again."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
