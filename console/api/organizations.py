"""What is broken, and which action is offered for it."""

from __future__ import annotations

from django.utils import timezone
from ninja import Router, Schema

from console.api.bearer import CallerRequest
from console.api.doors import enter
from console.api.scoped import reads
from console.api.told_home import HomeOut, OrganizationOut, of_home, of_organization
from incidents.selectors.home import freshness, read_home

router = Router(tags=["organizations"])


class OrganizationsOut(Schema):
    """Those that the token is for; a list, should one ever be for several."""

    organizations: list[OrganizationOut]


@router.get(
    "/organizations", url_name="api-organizations", operation_id="organizations", response=OrganizationsOut, **reads()
)
def organizations(request: CallerRequest) -> OrganizationsOut:
    """The organization of the token."""
    entered = enter(request, request.auth.organization.slug)
    return OrganizationsOut(organizations=[of_organization(entered.row)])


@router.get(
    "/organizations/{slug:slug}", url_name="api-organization", operation_id="organization", response=HomeOut, **reads()
)
def organization(request: CallerRequest, slug: str) -> HomeOut:
    """What is broken and what works, which action is offered, and what was done lately."""
    entered = enter(request, slug)
    now = timezone.now()
    page = read_home(request.user, entered.row, freshness(now), may_act=entered.may_press, now=now)
    return of_home(entered.row, page)
