"""The content security policy header. Django 6 has its own; until then these few lines read the same setting."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ContentSecurityPolicy:
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
