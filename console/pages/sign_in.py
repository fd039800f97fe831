"""Sign in, and sign out. Everything it needs is in our own database."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.forms import first_problem
from console.pages.answers import go_to
from console.sign_in import passkeys
from console.sign_in.answers import refuse, wanted
from console.sign_in.origin import origin_of_request
from incidents.domain.errors import Limited, Refused
from incidents.models import Person
from incidents.services import factors, limits, sign_in

PAGE = "sign_in/sign_in.html"
UNKNOWN = "The name and the password do not belong together. Check both. Capital letters matter in the password."


class SignInForm(forms.Form):
    username = forms.CharField(
        label="Name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
        error_messages={"required": "Write your name."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Write your password."},
    )


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The page, and name and password posted from it. A person who is signed in already goes on."""
    if request.user.is_authenticated:
        return go_to(wanted(request) or reverse("start"))
    if request.method == "GET":
        return render(request, PAGE, _context(request, SignInForm()))
    form = SignInForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(first_problem(form))
        person = sign_in.check_password(**_given(form), origin=origin_of_request(request))
        if person is None:
            raise Refused(UNKNOWN)
    except Refused as refused:
        return refuse(request, PAGE, refused, _context(request, form))
    record_authentication(request, person, "password")
    return go_on(request, person, wanted(request))


@require_GET
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser asks the passkey for, as JSON."""
    try:
        limits.take_passkey_question(origin_of_request(request))
    except Refused as refused:
        return JsonResponse({"problem": str(refused)}, status=429)
    return JsonResponse(passkeys.ask(request, None))


@require_POST
def with_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey, posted by the script of the page."""
    origin = origin_of_request(request)
    try:
        limits.take_passkey(origin)
        passkey = passkeys.check(request.POST.get("credential", ""), None)
        limits.give_back_passkey(origin)
    except Refused as refused:
        if not isinstance(refused, Limited):
            sign_in.note_refusal(None, "passkey", origin)
        return refuse(request, PAGE, refused, _context(request, SignInForm()))
    factors.note_use(passkey)
    record_authentication(request, passkey.user, "mfa", id=passkey.pk, type=passkey.type, passwordless=True)
    return go_on(request, passkey.user, wanted(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        sign_in.end(request.user, "sign-out")
    logout(request)
    return go_to(reverse("sign-in"))


def go_on(request: HttpRequest, person: Person, address: str) -> HttpResponse:
    """To where they wanted to be, or to the second factor that is still missing."""
    response: HttpResponse = perform_login(request, Login(user=person, redirect_url=address))
    response.status_code = 303
    return response


def _given(form: SignInForm) -> dict[str, str]:
    return {"name": form.cleaned_data["username"], "password": form.cleaned_data["password"]}


def _context(request: HttpRequest, form: SignInForm) -> dict[str, Any]:
    return {"form": form, "wanted": wanted(request), "company": settings.COMPANY_SIGN_IN}
