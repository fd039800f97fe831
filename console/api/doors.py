"""The doors of the pages, narrowed to the one organization that a token is for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from console.access import access_approval, access_incident, access_organization, access_run, denied, may_only_see
from console.api.bearer import CallerRequest
from incidents.domain.errors import NotAllowed
from incidents.domain.people import Grant
from incidents.models import Approval, Incident, Organization, Run
from incidents.selectors.doors import Found


def enter(
    request: CallerRequest, slug: str, grant: Grant = "see_organization", action: str = ""
) -> Found[Organization]:
    """The organization of that name; raises Http404 as `access_organization` does, and for any but the token's."""
    if slug != request.auth.organization.slug:
        raise denied(request, None)
    return access_organization(request, slug, grant, action)


def enter_run(request: CallerRequest, reference: str, grant: Grant = "see_organization") -> Found[Run]:
    """The run of that reference, where it is one of the token's organization. Raises Http404."""
    found = access_run(request, reference, grant)
    if found.row.organization_id != request.auth.organization_id:
        raise denied(request, None)
    return found


def enter_incident(request: CallerRequest, reference: str) -> Incident:
    """The incident of that reference, where it is one of the token's organization. Raises Http404."""
    row = access_incident(request, reference).row
    if row.organization_id != request.auth.organization_id:
        raise denied(request, None)
    return row


def enter_approval(request: CallerRequest, approval_id: uuid.UUID) -> Approval:
    """The approval of that id, where it is one of the token's organization. Raises Http404."""
    row = access_approval(request, approval_id).row
    if row.organization_id != request.auth.organization_id:
        raise denied(request, None)
    return row


@contextmanager
def as_on_pages(request: CallerRequest, organization: Organization) -> Iterator[None]:
    """Whoever may see an organization, and not do this, is told so by a 404, and it is written down."""
    try:
        yield
    except NotAllowed as refused:
        raise may_only_see(request, organization, str(refused)) from refused
