"""The people of an organization: who belongs to it, who may press what, and the forms of its owners."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from console.access import (
    SignedInRequest,
    access_invitation,
    access_organization,
    access_people,
    access_person,
    may_only_see,
    signed_in,
)
from console.forms import InviteForm, RoleForm, first_problem
from console.pages.answers import see_other
from console.words import ROLES
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.people import ORGANIZATION_ROLES
from incidents.models import Organization
from incidents.selectors.doors import Found
from incidents.selectors.people import find_open, read_people
from incidents.services import invitations, roles

# The link that is shown once travels in a cookie of the owner's browser: no copy of it stays with us.
LINK = "invitation"
LINK_SECONDS = 600


@require_safe
@signed_in
def people(request: SignedInRequest, slug: str) -> HttpResponse:
    entered = access_people(request, slug)
    response = _page(request, entered)
    if LINK in request.COOKIES:
        response.delete_cookie(LINK, path=request.path, samesite="Strict")
    return response


@require_http_methods(["GET", "POST"])
@signed_in
def invite_person(request: SignedInRequest, slug: str) -> HttpResponse:
    if request.method == "GET":
        return _to_people(slug)
    entered = access_organization(request, slug, "manage_people")
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, entered, first_problem(form), form)
    try:
        invited = invitations.invite(request.user, entered.row, **form.cleaned_data)
    except NotAllowed as refused:
        raise may_only_see(request, entered.row, str(refused)) from refused
    except Refused as refused:
        return _page(request, entered, str(refused), form)
    response = _to_people(slug)
    response.set_cookie(
        LINK,
        invited.token,
        max_age=LINK_SECONDS,
        path=reverse("people", args=[slug]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


@require_http_methods(["GET", "POST"])
@signed_in
def change_person(request: SignedInRequest, slug: str, person_id: uuid.UUID) -> HttpResponse:
    def change(organization: Organization) -> None:
        person = access_person(request, organization, person_id)
        form = RoleForm(request.POST)
        if not form.is_valid():
            raise Refused(first_problem(form))
        roles.change_role(request.user, organization, person, form.cleaned_data["role"])

    return _answer(request, slug, change, own=person_id == request.user.pk)


@require_http_methods(["GET", "POST"])
@signed_in
def remove_person(request: SignedInRequest, slug: str, person_id: uuid.UUID) -> HttpResponse:
    def remove(organization: Organization) -> None:
        roles.remove(request.user, organization, access_person(request, organization, person_id))

    return _answer(request, slug, remove, own=person_id == request.user.pk)


@require_http_methods(["GET", "POST"])
@signed_in
def withdraw_invitation(request: SignedInRequest, slug: str, invitation_id: uuid.UUID) -> HttpResponse:
    def withdraw(organization: Organization) -> None:
        invitations.withdraw(request.user, organization, access_invitation(request, organization, invitation_id).pk)

    return _answer(request, slug, withdraw)


def _answer(
    request: SignedInRequest, slug: str, act: Callable[[Organization], None], *, own: bool = False
) -> HttpResponse:
    """Does what a form asks for; shows the page again, with the reason, where that is refused."""
    if request.method == "GET":
        return _to_people(slug)
    entered = access_organization(request, slug, "manage_people")
    try:
        act(entered.row)
    except NotAllowed as refused:
        raise may_only_see(request, entered.row, str(refused)) from refused
    except Refused as refused:
        return _page(request, entered, str(refused))
    # Whoever has just changed themselves may not see this page any more.
    return see_other("start") if own else _to_people(slug)


def _page(
    request: SignedInRequest, entered: Found[Organization], problem: str = "", form: forms.Form | None = None
) -> HttpResponse:
    """The whole page. With `problem` it answers a post that was refused, keeping what was typed."""
    now = timezone.now()
    token = request.COOKIES.get(LINK, "")
    found = find_open(invitations.hash_of(token), now) if token else None
    link = found if found is not None and found.organization_id == entered.row.pk else None
    context = {
        "organization": entered.row,
        "page": read_people(entered.row, now),
        "roles": [(role, *ROLES[role]) for role in ORGANIZATION_ROLES],
        "may_manage": "manage_people" in entered.grants,
        "invited": link,
        "link": request.build_absolute_uri(reverse("welcome", args=[token])) if link else "",
        "problem": problem,
        "form": form or InviteForm(),
    }
    return render(request, "people/people.html", context, status=422 if problem else 200)


def _to_people(slug: str) -> HttpResponse:
    return see_other("people", slug)
