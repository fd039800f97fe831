"""Pages for when something is not as it should be: what is true, and whom to call. No jargon, no blame."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from console.access import MayOnlySee
from console.logs import current_request_id


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The same page for what is not there and for what this person may not see."""
    if isinstance(exception, MayOnlySee):
        return render(request, "errors/may_only_see.html", {"message": str(exception)}, status=404)
    return render(request, "errors/404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Our own fault. Asks nothing of the database or the session, for either may be what is broken."""
    return HttpResponse(_sorry(current_request_id()), status=500)


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The same page with status 200: a proxy keeps a copy and shows it while the console is away."""
    return HttpResponse(_sorry(""))


def _sorry(request_id: str) -> str:
    told = {
        "help_phone": settings.HELP_PHONE,
        "operator_name": settings.OPERATOR_NAME,
        "request_id": request_id,
    }
    return render_to_string("500.html", told)
