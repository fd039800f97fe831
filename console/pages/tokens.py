"""Tokens for programs that act in a person's name: made, shown once, listed and revoked."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, signed_in, there
from console.forms import first_problem
from console.pages.answers import see_other
from console.sign_in.answers import fresh, refuse
from console.words import SCOPES
from incidents.domain.errors import Refused
from incidents.domain.tokens import Scope
from incidents.selectors.doors import organizations_of
from incidents.selectors.tokens import open_tokens
from incidents.services import tokens

PAGE = "me/token.html"
LASTS = ((7, "1 week"), (30, "30 days"), (90, "90 days"), (365, "1 year"))
NAME = "Write a name of at most 50 letters, such as night-watch. Nothing was made."
# More organizations than this nobody looks through.
MOST = 200


class TokenForm(forms.Form):
    """What the token is for."""

    organization = forms.CharField(
        max_length=50,
        error_messages=dict.fromkeys(("required", "max_length"), "Choose an organization. Nothing was made."),
    )
    name = forms.CharField(
        max_length=50,
        validators=[RegexValidator(r"^[^\x00-\x1f\x7f\u0085\u2028\u2029]+$", NAME)],
        error_messages=dict.fromkeys(("required", "max_length"), NAME),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(scope), str(scope)) for scope in Scope],
        error_messages=dict.fromkeys(("required", "invalid_choice"), tokens.LOWEST),
    )
    days = forms.TypedChoiceField(
        choices=LASTS,
        coerce=int,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose for how long. Nothing was made."),
    )


@require_http_methods(["GET", "POST"])
@fresh
def add(request: SignedInRequest) -> HttpResponse:
    """The answer to the post shows the token; no address shows it again."""
    if request.method == "GET":
        return render(request, PAGE, _context(request, TokenForm(initial={"days": 30, "scopes": [Scope.READ]})))
    form = TokenForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(first_problem(form))
        said = form.cleaned_data
        organization = organizations_of(request.user).filter(slug=said["organization"]).first()
        if organization is None:
            raise Refused("Choose one of your organizations. Nothing was made.")
        scopes = frozenset(Scope(scope) for scope in said["scopes"])
        made = tokens.make(request.user, tokens.Asked(organization, said["name"], scopes, said["days"]))
    except Refused as refused:
        return refuse(request, PAGE, refused, _context(request, form))
    return render(request, "me/token_once.html", {"made": made})


@require_http_methods(["GET", "POST"])
@signed_in
def revoke(request: SignedInRequest, token_id: uuid.UUID) -> HttpResponse:
    """Without showing once more who they are: nobody who sees a token stolen shall be held up."""
    if request.method == "POST":
        found = there(request, tokens.find_own(request.user, token_id))
        tokens.revoke(request.user, found.pk)
        return see_other("me")
    found = there(request, open_tokens(request.user, timezone.now()).filter(pk=token_id).first())
    return render(request, "me/token_revoke.html", {"token": found})


def _context(request: SignedInRequest, form: TokenForm) -> dict[str, Any]:
    return {
        "form": form,
        "chosen": form["scopes"].value() or [],
        "organizations": organizations_of(request.user)[:MOST],
        "scopes": [(str(scope), *SCOPES[scope]) for scope in Scope],
        "lasts": LASTS,
    }
