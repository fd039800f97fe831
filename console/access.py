"""The doors: every page fetches through one of them, and whoever may not see a thing is told that it is not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from incidents.domain.people import Grant
from incidents.models import Approval, Invitation, Organization, Person, Resource, Review, Run
from incidents.selectors import doors
from incidents.selectors.asking import whom_to_ask
from incidents.selectors.people import find_invitation, find_person
from incidents.services.denials import record_denial

Row = TypeVar("Row")

SEES_PEOPLE: tuple[Grant, ...] = ("manage_people", "support_organization")
VIEWER = "You can see this but not change it."
ONLY_OWNERS = "Only owners see and change the people of an organization."


class MayOnlySee(Http404):
    """They see the organization anyway, so the page may say what they cannot do here, and whom to ask.

    Everybody else gets a bare Http404, and with it the page of an address that nobody has ever had.
    """


class SignedInRequest(HttpRequest):
    """A request behind `signed_in` or `signed_in_fragment`."""

    user: Person
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Entered(Generic[Row]):
    """What a door gave, and what this person may do there.

    Args:
        may_act: by a right of their own.
        grants: what they hold of what was asked, such as grants of the operator's people, and of owners.
        consent: id of the caller's consent by which they may act; None without one.
    """

    row: Row
    may_act: bool
    grants: frozenset[Grant] = frozenset()
    consent: uuid.UUID | None = None

    @property
    def may_press(self) -> bool:
        """Whether some button is theirs; the services decide which."""
        return self.may_act or self.consent is not None

    @property
    def is_guest(self) -> bool:
        """Somebody of the operator, who sees what the customer sees."""
        return not self.may_act and bool(self.grants & {"support_organization", "engineer_organization"})


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Sends everybody else to the sign-in page, and back afterwards."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            # A form cannot be posted again by a redirect, so they come back to the page that it stands on.
            return redirect_to_login(request.get_full_path().removesuffix("/stop").removesuffix("/overrule"))
        return view(cast(SignedInRequest, request), *args, **kwargs)

    return guarded


def signed_in_fragment(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answers 401 without a body: a redirect would put the sign-in page into the middle of another page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponse(status=401)
        return view(cast(SignedInRequest, request), *args, **kwargs)

    return guarded


def access_organization(
    request: SignedInRequest,
    slug: str,
    grant: Grant = "see_organization",
    action: str = "",
) -> Entered[Organization]:
    """The organization of that name.

    Args:
        action: what they want to run, so that whoever may not is told whom to ask.

    Raises:
        Http404: there is none, or this person may not see it.
        MayOnlySee: they may see it, but do not hold `grant`.
    """
    found = doors.find_organization(request.user, slug, grant)
    if found is None:
        raise denied(request, None)
    _let_in(request, found, found.row, grant, action)
    return Entered(found.row, found.may_act, found.grants, found.consent)


def access_run(request: SignedInRequest, reference: str, grant: Grant = "see_organization") -> Entered[Run]:
    """The run of that reference; raises as `access_organization` does."""
    found = doors.find_run(request.user, reference)
    if found is None:
        raise denied(request, None)
    _let_in(request, found, found.row.organization, grant, found.row.action)
    return Entered(found.row, found.may_act, found.grants, found.consent)


def access_approval(request: SignedInRequest, approval_id: uuid.UUID) -> Entered[Approval]:
    """The approval of that id. Raises Http404 for whoever may not see its organization."""
    found = doors.find_approval(request.user, approval_id)
    if found is None:
        raise denied(request, None)
    _let_in(request, found, found.row.organization, "see_organization", "")
    return Entered(found.row, found.may_act, found.grants, found.consent)


def access_review(request: SignedInRequest, review_id: int) -> Review:
    """The review of that id. Raises Http404 for whoever does not review its organization."""
    found = doors.find_review(request.user, review_id)
    if found is None:
        raise denied(request, None)
    return found


def access_supported(request: SignedInRequest, slug: str) -> Entered[Organization]:
    """The organization of that name, for the support desk. Raises Http404 unless this person supports it."""
    found = doors.find_organization(request.user, slug)
    if found is None or "support_organization" not in found.grants:
        raise denied(request, found.row if found else None)
    return Entered(found.row, found.may_act, found.grants, found.consent)


def access_desk(request: SignedInRequest, *grants: Grant) -> None:
    """The operator's own pages. Raises Http404 unless this person holds one of these grants on some organization."""
    if not doors.supported_by(request.user, *grants).exists():
        raise denied(request, None)


def access_people(request: SignedInRequest, slug: str) -> Entered[Organization]:
    """An organization whose people they manage, or, to look at them, help; raises as `access_organization` does."""
    entered = access_organization(request, slug)
    if not entered.grants.intersection(SEES_PEOPLE):
        raise _must_ask(request, entered.row, "manage_people")
    return entered


def access_resource(request: SignedInRequest, organization: Organization, resource_id: uuid.UUID) -> Resource:
    """A resource of an organization that this request has entered. Raises Http404."""
    return access_resources(request, organization, frozenset({resource_id}))[0]


def access_resources(request: SignedInRequest, organization: Organization, ids: frozenset[uuid.UUID]) -> list[Resource]:
    """All of these resources, or Http404 when one of them is not the organization's."""
    rows = doors.find_resources(organization, ids)
    if len(rows) != len(ids):
        raise denied(request, organization)
    return rows


def access_person(request: SignedInRequest, organization: Organization, person_id: uuid.UUID) -> Person:
    """Somebody of an organization that this request has entered. Raises Http404."""
    person = find_person(organization, person_id)
    if person is None:
        raise denied(request, organization)
    return person


def access_invitation(request: SignedInRequest, organization: Organization, invitation_id: uuid.UUID) -> Invitation:
    """An invitation of an organization that this request has entered. Raises Http404."""
    invitation = find_invitation(organization, invitation_id)
    if invitation is None:
        raise denied(request, organization)
    return invitation


def may_only_see(request: SignedInRequest, organization: Organization, text: str) -> MayOnlySee:
    """The refusal, written down, of somebody who may see the organization; raise it."""
    _write_down(request, organization)
    return MayOnlySee(text)


def _let_in(
    request: SignedInRequest, found: doors.Found[Any], organization: Organization, grant: Grant, action: str
) -> None:
    if not found.may_see:
        raise denied(request, organization)
    by_consent = grant == "act_for_organization" and found.consent is not None
    if grant not in found.grants and not by_consent:
        raise _must_ask(request, organization, grant, action)


def _must_ask(request: SignedInRequest, organization: Organization, grant: Grant, action: str = "") -> MayOnlySee:
    names = whom_to_ask(organization, grant, action)
    ask = f"Ask {' or '.join(names)} (they can), or call us." if names else "Call us."
    what = ONLY_OWNERS if grant == "manage_people" else VIEWER
    return may_only_see(request, organization, f"{what} {ask}")


def denied(request: SignedInRequest, organization: Organization | None) -> Http404:
    """The refusal, written down, that says nothing about what there is; raise it."""
    _write_down(request, organization)
    return Http404()


def _write_down(request: SignedInRequest, organization: Organization | None) -> None:
    record_denial(request.user, organization, request.method or "", request.get_full_path())
