"""Previews: a plan is made and frozen, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from ninja import Router, Status

from console.api.bearer import CallerRequest
from console.api.doors import as_on_pages, enter, enter_run
from console.api.problems import Problem
from console.api.said import Wanted, WantedUndo
from console.api.scoped import proposes, reads
from console.api.told_preview import PreviewOut, of_preview
from console.forms import UNREADABLE_MOMENT, read_moment
from console.pages.preview import choose
from incidents.actions.base import Wish
from incidents.domain.errors import Refused
from incidents.models import Organization, Plan
from incidents.selectors.preview import read_preview, read_stored
from incidents.services import limits
from incidents.services.propose import propose
from incidents.services.undo import propose_undo

router = Router(tags=["previews"])


@router.post(
    "/organizations/{slug:slug}/previews",
    url_name="api-previews",
    operation_id="propose",
    response={201: PreviewOut},
    **proposes(),
)
def make(request: CallerRequest, slug: str, wanted: Wanted) -> Status[PreviewOut]:
    """Looks at the network and makes a plan: what would change, what was checked, and the digest to start it by."""
    row = enter(request, slug, "act_for_organization", wanted.action).row
    chosen = choose(request, row, wanted.action, wanted.resources, [wanted.select] if wanted.select else [])
    wish = Wish(moment=_moment(wanted.at), location=wanted.location, minutes=wanted.minutes)
    return _made(request, row, lambda: propose(request.user, row, wanted.action, chosen, wish, wanted.override))


@router.get(
    "/organizations/{slug:slug}/previews/{slug:digest}",
    url_name="api-preview",
    operation_id="preview",
    response=PreviewOut,
    **reads(),
)
def read(request: CallerRequest, slug: str, digest: str) -> PreviewOut:
    """A preview that was made before, exactly as it was frozen."""
    page = read_stored(enter(request, slug).row, digest)
    if page is None:
        raise Problem(HTTPStatus.NOT_FOUND, "plan.unknown")
    return of_preview(page)


@router.post(
    "/runs/{slug:reference}/undo",
    url_name="api-undo",
    operation_id="proposeUndo",
    response={201: PreviewOut},
    **proposes(),
)
def undo(request: CallerRequest, reference: str, wanted: WantedUndo) -> Status[PreviewOut]:
    """The preview of putting back what a run has changed; it is started as any other."""
    run = enter_run(request, reference, "act_for_organization").row
    return _made(request, run.organization, lambda: propose_undo(request.user, run, wanted.override))


def _made(request: CallerRequest, organization: Organization, make: Callable[[], Plan]) -> Status[PreviewOut]:
    limits.take_preview(request.auth.pk)
    with as_on_pages(request, organization):
        return Status(HTTPStatus.CREATED, of_preview(read_preview(make())))


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    moment = read_moment(text)
    if moment is None:
        raise Refused(UNREADABLE_MOMENT)
    return moment
