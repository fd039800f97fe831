"""Company sign-in: a convenience. It counts as a password does, and its failure is told with what works without it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET

from console.pages.sign_in import go_on
from console.sign_in.answers import refuse, wanted
from console.sign_in.bounded import Bulkhead
from console.sign_in.origin import origin_of_request
from console.sign_in.provider import BUDGET_SECONDS, Answered, Degraded, Provider, Untrue
from console.sign_in.sessions import keep_shortly
from incidents.domain.errors import Limited, Refused
from incidents.services import limits, sign_in
from incidents.wire.deadline import Deadline

ASKED = "company"
PAGE = "sign_in/company.html"
AWAY = "Company sign-in does not answer. You can sign in here without it."
NOT_PROVEN = "Company sign-in gave an answer that we cannot trust. You can sign in here without it."
STRANGER = "Company sign-in knows you, but nobody here has that name yet. You can sign in here without it, or call us."
BULKHEAD = Bulkhead()


@require_GET
def leave(request: HttpRequest) -> HttpResponse:
    """To the company's page, with a question that only this browser can have answered."""
    provider = _provider()
    try:
        limits.take_company(origin_of_request(request))
        address = provider.address(Deadline(BUDGET_SECONDS), "authorization_endpoint")
    except Limited as limited:
        return refuse(request, PAGE, limited, {})
    except Degraded as degraded:
        return _away(request, degraded)
    asked = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    request.session[ASKED] = {**asked, "next": wanted(request)}
    keep_shortly(request)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked["verifier"].encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "scope": "openid",
        "client_id": provider.client,
        "redirect_uri": _back(request),
        "state": asked["state"],
        "nonce": asked["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return HttpResponseRedirect(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")


@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """With an answer. Never makes a person, and never finds one by anything but the name that the inventory gave."""
    provider = _provider()
    origin = origin_of_request(request)
    # Once only, whatever follows.
    asked: dict[str, Any] = request.session.pop(ASKED, {})
    try:
        limits.take_company(origin)
        _check_question(request, asked, provider)
        answered = Answered(request.GET.get("code", "")[:4096], asked["verifier"], asked["nonce"], _back(request))
        subject = provider.subject(Deadline(BUDGET_SECONDS), answered)
    except Limited as limited:
        return refuse(request, PAGE, limited, {})
    except Degraded as degraded:
        return _away(request, degraded)
    except Untrue as untrue:
        sign_in.note_company("company.untrue", {"why": str(untrue), "network": origin.network})
        return refuse(request, PAGE, Refused(NOT_PROVEN), {})
    person = sign_in.find_by_company_id(subject)
    if person is None:
        sign_in.note_refusal(None, "company", origin)
        return refuse(request, PAGE, Refused(STRANGER), {})
    record_authentication(request, person, "company")
    return go_on(request, person, asked["next"])


def _check_question(request: HttpRequest, asked: dict[str, Any], provider: Provider) -> None:
    """That they answer what this browser was asked, and that its provider does (RFC 9207). Raises Untrue."""
    if not asked or not constant_time_compare(request.GET.get("state", ""), asked["state"]):
        raise Untrue("it answers another question: state")
    if request.GET.get("iss", provider.issuer) != provider.issuer:
        raise Untrue("another issuer answers")
    if not request.GET.get("code"):
        raise Untrue("it brings no code")


def _away(request: HttpRequest, degraded: Degraded) -> HttpResponse:
    sign_in.note_company("company.degraded", {"what": degraded.what, "text": str(degraded)})
    return render(request, PAGE, {"problem": AWAY}, status=503)


def _provider() -> Provider:
    if not settings.COMPANY_SIGN_IN:
        raise Http404
    return Provider(
        settings.OIDC_ISSUER,
        settings.OIDC_CLIENT_ID,
        settings.OIDC_CLIENT_SECRET,
        settings.VAR_DIR / "company",
        limits.may_ask_for_keys,
        BULKHEAD,
    )


def _back(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("company-return"))
