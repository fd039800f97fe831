"""Where the link of an invitation leads: who invites to what, and one field for a password."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from console.forms import WelcomeForm, first_problem
from console.pages.sign_in import go_on
from console.words import ROLES
from incidents.domain.errors import Refused
from incidents.models import Invitation
from incidents.selectors.people import find_open
from incidents.services import invitations


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """One page for every link that does not work, so that it tells nothing to whoever tries some."""
    invitation = find_open(invitations.hash_of(token), timezone.now())
    if invitation is None:
        return _dead(request)
    if request.user.is_authenticated or request.method == "GET":
        # A link that somebody opens while signed in as another must not end that other session unasked.
        return _page(request, invitation)
    form = WelcomeForm(request.POST, invitation.person)
    if not form.is_valid():
        return _page(request, invitation, first_problem(form))
    try:
        person = invitations.accept(token, form.cleaned_data["password"])
    except Refused:
        return _dead(request)
    # Whoever has just chosen a password has shown it.
    record_authentication(request, person, "password")
    return go_on(request, person, "")


def _page(request: HttpRequest, invitation: Invitation, problem: str = "") -> HttpResponse:
    name, may = ROLES[invitation.role]
    context = {
        "invitation": invitation,
        "role": name,
        "may": may,
        "rules": password_validators_help_texts(),
        "problem": problem,
    }
    return render(request, "people/welcome.html", context, status=422 if problem else 200)


def _dead(request: HttpRequest) -> HttpResponse:
    return render(request, "people/dead_link.html", status=404)
