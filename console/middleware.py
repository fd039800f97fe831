"""What stands round every answer: its line in the log with its id, and the content security policy header."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from console.logs import request_id_from

logger = logging.getLogger(__name__)

# What machines ask all the time, and pages that lie open.
ROUTINE = frozenset({"", "livez", "readyz", "metrics"})


class RequestLine:
    """Gives each request an id, sends it back as X-Request-ID, and writes one line about the answer.

    The line names the page and not the address, which may hold what is nobody's business, such as an invitation.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        request_id = request_id_from(request.headers.get("X-Request-ID"))
        bind_contextvars(request_id=request_id)
        began = time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            _tell(request, response, time.monotonic() - began)
        finally:
            clear_contextvars()
        return response


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    view = request.resolver_match.view_name if request.resolver_match else ""
    routine = view in ROUTINE or request.headers.get("HX-Request") == "true"
    told = {
        "method": request.method,
        "view": view,
        "status": response.status_code,
        "milliseconds": round(seconds * 1000),
    }
    logger.log(logging.DEBUG if routine else logging.INFO, "answered", extra=told)


class ContentSecurityPolicy:
    """Django 6 has its own; until then these few lines read the same setting."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        rules: dict[str, list[str]] = settings.SECURE_CSP
        self.policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in rules.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # What has no body cannot run anything; a poll that finds nothing new stays small.
        if response.status_code != 204:
            response["Content-Security-Policy"] = self.policy
        # Nothing of a customer stays in a browser after they have signed out.
        response.setdefault("Cache-Control", "no-store")
        return response
