"""What a form is answered with when it was heard."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect


def see_other(address: str) -> HttpResponse:
    """303: whatever the browser's habits, the next request is a GET, and "reload" posts nothing again."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
