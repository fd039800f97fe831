"""The doors: every page fetches through one of them, and whoever may not see a thing is told that it is not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails
from structlog.contextvars import bind_contextvars

from incidents.domain.people import Grant
from incidents.models import Approval, Incident, Invitation, Organization, Person, Resource, Review, Run
from incidents.selectors import doors
from incidents.selectors.asking import whom_to_ask
from incidents.selectors.audit import Line, Scope, find_entry, scope_of
from incidents.selectors.doors import Found
from incidents.selectors.people import find_invitation, find_person
from incidents.services.denials import record_denial

Row = TypeVar("Row")

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
) -> Found[Organization]:
    """The organization of that name.

    Args:
        action: what they want to run, so that whoever may not is told whom to ask.

    Raises:
        Http404: there is none, or this person may not see it.
        MayOnlySee: they may see it, but do not hold `grant`.
    """
    found = there(request, doors.find_organization(request.user, slug, grant))
    _let_in(request, found, found.row, grant, action)
    return found


def access_run(request: SignedInRequest, reference: str, grant: Grant = "see_organization") -> Found[Run]:
    """The run of that reference; raises as `access_organization` does."""
    found = there(request, doors.find_run(request.user, reference))
    _let_in(request, found, found.row.organization, grant, found.row.action)
    bind_contextvars(run_id=str(found.row.pk))
    return found


def access_incident(request: SignedInRequest, reference: str) -> Found[Incident]:
    """The incident of that reference. Raises Http404 for whoever may not see its organization."""
    found = there(request, doors.find_incident(request.user, reference))
    _let_in(request, found, found.row.organization)
    return found


def access_approval(request: SignedInRequest, approval_id: uuid.UUID) -> Found[Approval]:
    """The approval of that id. Raises Http404 for whoever may not see its organization."""
    found = there(request, doors.find_approval(request.user, approval_id))
    _let_in(request, found, found.row.organization)
    return found


def access_review(request: SignedInRequest, review_id: int) -> Review:
    """The review of that id. Raises Http404 for whoever does not review its organization."""
    return there(request, doors.find_review(request.user, review_id))


def access_audit(request: SignedInRequest) -> Scope:
    """What of the audit log this person may read. Raises Http404 for whoever reviews no organization."""
    return there(request, scope_of(request.user))


def access_audit_entry(request: SignedInRequest, number: int) -> Line:
    """An entry of the audit log. Raises Http404 where there is none, or it is not theirs to read."""
    return there(request, find_entry(access_audit(request), number))


def access_supported(request: SignedInRequest, slug: str) -> Found[Organization]:
    """The organization of that name, for the support desk. Raises Http404 unless this person supports it."""
    found = there(request, doors.find_organization(request.user, slug))
    if "support_organization" not in found.grants:
        raise denied(request, found.row)
    return found


def access_desk(request: SignedInRequest, *grants: Grant) -> None:
    """The operator's own pages. Raises Http404 unless this person holds one of these grants on some organization."""
    if not doors.supported_by(request.user, *grants).exists():
        raise denied(request, None)


def access_people(request: SignedInRequest, slug: str) -> Found[Organization]:
    """An organization whose people they manage, or, to look at them, help; raises as `access_organization` does."""
    entered = access_organization(request, slug)
    if not entered.is_owner_or_support:
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
    return there(request, find_person(organization, person_id), organization)


def access_invitation(request: SignedInRequest, organization: Organization, invitation_id: uuid.UUID) -> Invitation:
    """An invitation of an organization that this request has entered. Raises Http404."""
    return there(request, find_invitation(organization, invitation_id), organization)


def there(request: SignedInRequest, found: Row | None, organization: Organization | None = None) -> Row:
    """What a door has found. Raises Http404 when it is nothing."""
    if found is None:
        raise denied(request, organization)
    return found


def may_only_see(request: SignedInRequest, organization: Organization, text: str) -> MayOnlySee:
    """The refusal, written down, of somebody who may see the organization; raise it."""
    _write_down(request, organization)
    return MayOnlySee(text)


def _let_in(
    request: SignedInRequest,
    found: Found[Any],
    organization: Organization,
    grant: Grant = "see_organization",
    action: str = "",
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
