"""The rules of a session, before any page: how old it may become, how long it may rest, and with what it was begun."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from console.pages.answers import see_other
from console.sign_in.adapters import BEGAN, SEEN
from incidents.services import sign_in

# A mark a minute is exact enough for an hour, and spares a write with every page.
MARK_SECONDS = 60
# What somebody reaches who has to add a second factor first.
OPEN_WITHOUT_FACTOR = frozenset(
    {
        "factor-first",
        "passkey-add",
        "passkey-add-options",
        "totp-add",
        "recovery-codes",
        "confirm",
        "sign-out",
        # These tell nobody anything.
        "sign-in",
        "account_login",
        "livez",
        "readyz",
        "metrics",
        "offline",
    }
)


def keep_shortly(request: HttpRequest) -> None:
    """A session that holds nothing but a question soon ends; that of somebody who is signed in goes on as it was."""
    if not request.user.is_authenticated:
        request.session.set_expiry(sign_in.OPEN_SECONDS)


class SessionRules:
    """Ends sessions that are too old or rested too long, and keeps those without a second factor to its page.

    A poll of a page that lies open is no sign of a person, so it prolongs nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and request.user.is_authenticated:
            why = _over(request)
            if why:
                sign_in.end(request.user, why)
                logout(request)
            elif _lacks_factor(request):
                return _to_factor(request)
        return self.get_response(request)


def _over(request: HttpRequest) -> str:
    """Why this session has ended; empty while it has not. Marks the person's presence."""
    now = int(time.time())
    began = request.session.setdefault(BEGAN, now)
    seen = request.session.setdefault(SEEN, now)
    if now - began >= settings.SESSION_COOKIE_AGE:
        return "age"
    if now - seen >= settings.SESSION_IDLE_SECONDS:
        return "idle"
    if now - seen >= MARK_SECONDS and not _is_poll(request):
        request.session[SEEN] = now
    return ""


def _is_poll(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _lacks_factor(request: HttpRequest) -> bool:
    """No query: whoever has a factor was asked for it, and that stands in the session."""
    if settings.SECOND_FACTOR != "required":
        return False
    if any(record["method"] == "mfa" for record in get_authentication_records(request, request.user)):
        return False
    return resolve(request.path_info).url_name not in OPEN_WITHOUT_FACTOR


def _to_factor(request: HttpRequest) -> HttpResponse:
    if _is_poll(request):
        return HttpResponse(status=401)
    return see_other("factor-first")
