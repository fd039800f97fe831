"""What the pages of sign-in share: where a person goes afterwards, and how a page says that it will not do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.internal.flows.login import record_authentication
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.access import SignedInRequest, signed_in
from console.pages.answers import go_to, ours
from console.sign_in.origin import origin_of_request
from console.step_up import confirm_address, is_fresh
from incidents.domain.errors import Limited, Refused
from incidents.models import Person
from incidents.services import sign_in

View = Callable[..., HttpResponse]


def wanted(request: HttpRequest) -> str:
    """Where they wanted to be; only ever an address of ours, and empty where there is none."""
    return ours(request, request.POST.get("next") or request.GET.get("next") or "")


def refuse(request: HttpRequest, template: str, refused: Refused, context: dict[str, Any]) -> HttpResponse:
    """The same page with the reason on top: 422, or 429 with the time to wait."""
    limited = isinstance(refused, Limited)
    shown = {"problem": str(refused), "limited": limited, **context}
    response = render(request, template, shown, status=429 if limited else 422)
    if isinstance(refused, Limited):
        response["Retry-After"] = str(refused.minutes * 60)
        sign_in.note_limit(request.path, origin_of_request(request))
    return response


def confirmed(request: HttpRequest, person: Person, kind: str) -> None:
    """Notes in a session that is open that they showed who they are; its id becomes another one.

    Args:
        kind: `webauthn`, `totp`, `recovery_codes` or `password`.
    """
    method = "password" if kind == "password" else "mfa"
    record_authentication(request, person, method, type=kind, reauthenticated=True)
    request.session.cycle_key()


def fresh(view: View) -> View:
    """Lets somebody in who showed a short time ago who they are, and has others do so first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        mine = cast(SignedInRequest, request)
        if not is_fresh(mine):
            return go_to(confirm_address(mine, request.path))
        return view(request, *args, **kwargs)

    return signed_in(guarded)
