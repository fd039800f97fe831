"""What a form of the operator's people is answered with."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse


def see_other(name: str, *args: object) -> HttpResponse:
    """303: whatever the browser's habits, the next request is a GET, and "reload" does nothing again."""
    response = HttpResponseRedirect(reverse(name, args=args))
    response.status_code = 303
    return response
