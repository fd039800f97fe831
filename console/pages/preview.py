"""The preview of an action, and the button that starts it: nothing changes by looking."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.access import SignedInRequest, access_organization, access_resources, signed_in
from console.forms import UNREADABLE_MOMENT, read_moment
from console.pages.consent import Asked, answer_post, overridden, show
from incidents.actions.base import Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.errors import EmptySelector, Refused
from incidents.models import Organization, Resource
from incidents.selectors.remedies import everything, repairable
from incidents.services.denials import record_unusable
from incidents.services.propose import propose

LONGEST_SLUG, LONGEST_NUMBER = 50, 6
EVERYTHING_BROKEN = "broken"
# All that was approved to be put back at once; said in so many words, for nothing never means everything.
EVERYTHING = "everything"


@require_http_methods(["GET", "POST"])
@signed_in
def preview(request: SignedInRequest, slug: str, action: str) -> HttpResponse:
    entered = access_organization(request, slug, "act_for_organization", action)
    if action not in CATALOGUE:
        raise Http404
    organization = entered.row
    try:
        select = request.GET.getlist("select")
        resources = choose(request, organization, action, request.GET.getlist("target"), select)
        asked = Asked(
            organization=organization,
            back=reverse("home", args=[slug]),
            make=lambda: propose(request.user, organization, action, resources, _wish(request), overridden(request)),
        )
        return answer_post(request, asked) if request.method == "POST" else show(request, asked)
    except EmptySelector as empty:
        if request.method == "POST":
            record_unusable(request.user, organization, request.get_full_path(), str(empty))
        return render(request, "preview/nothing.html", {"organization": organization}, status=422)


def _wish(request: SignedInRequest) -> Wish:
    """What was chosen besides. What is no number counts as not chosen, and the preview says so."""
    minutes, location = request.GET.get("minutes", ""), request.GET.get("location", "")
    return Wish(
        moment=_moment(request),
        # Cut, one that is too long is none that there is, and never all of them.
        location=location[:LONGEST_SLUG],
        minutes=int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) <= LONGEST_NUMBER else 0,
    )


def _moment(request: SignedInRequest) -> datetime | None:
    """Raises Refused for one that cannot be read: going back to another moment than was meant is no help."""
    if "at" not in request.GET:
        return None
    moment = read_moment(request.GET["at"])
    if moment is None:
        raise Refused(UNREADABLE_MOMENT)
    return moment


def moment_text(moment: datetime) -> str:
    """A moment as an address of a preview has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choose(
    request: SignedInRequest, organization: Organization, action: str, targets: Sequence[str], select: Sequence[str]
) -> list[Resource]:
    """What was named, and nothing else: an unknown, missing or empty selector never means "all".

    Args:
        targets: ids; or else `select`, one of the two words.

    Raises:
        EmptySelector: nothing was named, or in a way that we do not know.
        Http404: something that is not this organization's, or is no id at all.
    """
    if select == [EVERYTHING_BROKEN] and not targets and not CATALOGUE[action].asks:
        return repairable(request.user, organization, action)
    if select == [EVERYTHING] and not targets and len(CATALOGUE[action].kinds) > 1:
        if found := everything(request.user, organization, action):
            return found
        raise EmptySelector("Nothing was approved beforehand to be put back at once.")
    if select or not targets:
        raise EmptySelector("Nothing was chosen.")
    try:
        ids = frozenset(uuid.UUID(target) for target in targets)
    except ValueError:
        raise Http404 from None
    return access_resources(request, organization, ids)
