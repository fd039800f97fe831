"""A person's own sign-in: their passkeys, authenticator app and recovery codes, and their password."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from console.access import SignedInRequest, signed_in, there
from console.forms import first_problem
from console.pages.answers import go_to
from console.sign_in import passkeys, sealed
from console.sign_in.answers import confirmed, fresh, refuse
from incidents.domain.errors import Refused
from incidents.models import Person
from incidents.selectors.factors import read_factors
from incidents.selectors.tokens import open_tokens
from incidents.services import factors


class PasskeyForm(forms.Form):
    name = forms.CharField(
        max_length=50,
        error_messages={"required": "Write a name, such as Phone.", "max_length": "Write a shorter name."},
    )
    credential = forms.CharField(
        max_length=passkeys.LONGEST, error_messages={"required": "No passkey came with the form. Nothing was changed."}
    )


class PasswordForm(forms.Form):
    """A new password, twice."""

    password = forms.CharField(strip=False, max_length=1000, error_messages={"required": "Write a new password."})
    again = forms.CharField(strip=False, max_length=1000, error_messages={"required": "Write it a second time."})

    def __init__(self, person: Person, *args: Any) -> None:
        super().__init__(*args)
        self.person = person

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            if given["password"] != given["again"]:
                raise ValidationError("The two passwords are not the same. Nothing was changed.")
            password_validation.validate_password(given["password"], self.person)
        return given


@require_safe
@signed_in
def show(request: SignedInRequest) -> HttpResponse:
    context = {"factors": read_factors(request.user), "tokens": open_tokens(request.user, timezone.now())}
    return render(request, "me/me.html", context)


@require_safe
@signed_in
def first(request: SignedInRequest) -> HttpResponse:
    """Where somebody lands who has a password only, and must add something first."""
    return render(request, "me/first.html", {})


@require_http_methods(["GET", "POST"])
@fresh
def add_passkey(request: SignedInRequest) -> HttpResponse:
    page = "me/passkey.html"
    if request.method == "GET":
        return render(request, page, {"name": ""})
    form = PasskeyForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(first_problem(form))
        factors.add_passkey(request.user, form.cleaned_data["name"], passkeys.enrol(form.cleaned_data["credential"]))
    except Refused as refused:
        return refuse(request, page, refused, {"name": request.POST.get("name", "")[:50]})
    return _added(request, "webauthn")


@require_GET
@fresh
def passkey_options(request: SignedInRequest) -> HttpResponse:
    """What the browser is asked to make, as JSON."""
    return JsonResponse(passkeys.offer(request.user))


@require_http_methods(["GET", "POST"])
@fresh
def add_totp(request: SignedInRequest) -> HttpResponse:
    """The secret travels sealed in the form, so that it lies nowhere before it is used."""
    page = "me/totp.html"
    if request.method == "GET":
        return render(request, page, _setup(request, sealed.new(request.user)))
    form = request.POST.get("sealed", "")[:2000]
    try:
        factors.add_totp(request.user, sealed.open_(request.user, form), request.POST.get("code", "")[:100])
    except sealed.Stale as stale:
        return refuse(request, page, stale, _setup(request, sealed.new(request.user)))
    except Refused as refused:
        return refuse(request, page, refused, _setup(request, form))
    return _added(request, "totp")


@require_http_methods(["GET", "POST"])
@fresh
def recovery_codes(request: SignedInRequest) -> HttpResponse:
    """Shows new codes until somebody says that they have them; never again after that."""
    page = "me/codes.html"
    if request.method == "GET":
        return render(request, page, {"factors": read_factors(request.user)})
    if request.POST.get("do") == "seen":
        factors.note_seen(request.user)
        return go_to(reverse("start"))
    try:
        factors.renew_recovery_codes(request.user)
    except Refused as refused:
        return refuse(request, page, refused, {"factors": read_factors(request.user)})
    return go_to(reverse("recovery-codes"))


@require_http_methods(["GET", "POST"])
@fresh
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    mine = read_factors(request.user)
    every = (one for one in (*mine.passkeys, mine.totp) if one is not None)
    found = there(request, next((one for one in every if one.pk == pk), None))
    if request.method == "GET":
        return render(request, "me/remove.html", {"factor": found})
    try:
        must = settings.SECOND_FACTOR == "required"
        factors.remove(request.user, pk, keep_one=must, session=request.session.session_key or "")
    except Refused as refused:
        return refuse(request, "me/remove.html", refused, {"factor": found})
    return go_to(reverse("me"))


@require_http_methods(["GET", "POST"])
@fresh
def password(request: SignedInRequest) -> HttpResponse:
    if request.method == "GET":
        return render(request, "me/password.html", {})
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return refuse(request, "me/password.html", Refused(first_problem(form)), {})
    factors.change_password(request.user, form.cleaned_data["password"])
    # This session lives on under another id; all others are over.
    update_session_auth_hash(request, request.user)
    return go_to(reverse("me"))


def _added(request: SignedInRequest, kind: str) -> HttpResponse:
    """They have just shown the new factor; and with the first one come recovery codes."""
    confirmed(request, request.user, kind)
    if read_factors(request.user).codes_left is None:
        factors.renew_recovery_codes(request.user)
        return go_to(reverse("recovery-codes"))
    return go_to(reverse("me"))


def _setup(request: SignedInRequest, form: str) -> dict[str, Any]:
    secret = sealed.open_(request.user, form)
    address = get_adapter().build_totp_url(request.user, secret)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"sealed": form, "secret": groups, "address": address, "picture": _picture(address)}


def _picture(address: str) -> SafeString:
    """The QR code as SVG, without the header that HTML does not want. Holds nothing that anybody typed as markup."""
    svg: str = get_adapter().build_totp_svg(address)
    return mark_safe(svg[svg.index("<svg") :])  # noqa: S308  # drawn by us
