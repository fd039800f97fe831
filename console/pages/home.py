"""Home of an organization: what is broken, and the action next to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_organization, signed_in, signed_in_fragment
from console.pages.polling import ALL_WELL, WATCHING_FAULT, announcement, poll, stamped, unchanged
from console.pictures import draw_cards
from console.words import NOUNS, noun
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.models import Organization
from incidents.selectors.approvals import unread, waiting_in
from incidents.selectors.desk import desk_of
from incidents.selectors.doors import Found, organizations_of
from incidents.selectors.home import Card, Freshness, freshness, read_home

# So many faults are told in full, then so many in a line each; the rest is on a page of its own.
IN_FULL, IN_LINES = 5, 20
WELL_BY_NAME = 8


@require_safe
@signed_in
def start(request: SignedInRequest) -> HttpResponse:
    """Sends the operator's people to their desk, others to their only organization; lists several."""
    if desk := desk_of(request.user):
        return HttpResponseRedirect(reverse(desk))
    organizations = list(organizations_of(request.user)[:200])
    if len(organizations) == 1:
        return HttpResponseRedirect(reverse("home", args=[organizations[0].slug]))
    return render(request, "start/start.html", {"organizations": organizations, "notices": unread(request.user)})


@require_safe
@signed_in
def home(request: SignedInRequest, slug: str) -> HttpResponse:
    entered = access_organization(request, slug)
    now = timezone.now()
    context = _context(request, entered, freshness(now), now) | {"notices": unread(request.user)}
    return stamped(render(request, "home/home.html", context), None)


@require_safe
@signed_in_fragment
def summary(request: SignedInRequest, slug: str) -> HttpResponse:
    """The polled part of it; 204 while the page that asks is still true."""
    entered = access_organization(request, slug)
    now = timezone.now()
    fresh = freshness(now)
    if request.GET.get("v") == _token(entered.row, fresh):
        return unchanged(fresh.checked_at)
    context = _context(request, entered, fresh, now)
    context["announce"] = announcement(request, context["headline"])
    return stamped(render(request, "home/_fragment.html", context), fresh.checked_at)


@require_safe
@signed_in
def everything(request: SignedInRequest, slug: str) -> HttpResponse:
    """Every resource in a line, for organizations with many."""
    entered = access_organization(request, slug)
    now = timezone.now()
    page = read_home(request.user, entered.row, freshness(now), may_act=entered.may_press, now=now)
    context = {"organization": entered.row, "page": page, "incident": page.incident, "headline": headline(page)}
    return render(request, "home/everything.html", context)


@dataclass(frozen=True, slots=True)
class Bulk:
    """One button for everything that an action can repair."""

    action: str
    text: str


def _context(request: SignedInRequest, entered: Found[Organization], fresh: Freshness, now: datetime) -> dict[str, Any]:
    page = read_home(request.user, entered.row, fresh, may_act=entered.may_press, now=now)
    says = headline(page)
    seconds = WATCHING_FAULT if page.cards or page.live or page.old or page.away else ALL_WELL
    fragment = reverse("home-summary", args=[entered.row.slug])
    return {
        "organization": entered.row,
        "page": page,
        "headline": says,
        "poll": poll(request, fragment, _token(entered.row, fresh), says, seconds),
        "in_full": page.cards[:IN_FULL],
        "pictures": draw_cards(page.cards[:IN_FULL], now),
        "in_lines": page.cards[IN_FULL : IN_FULL + IN_LINES],
        "beyond": max(0, len(page.cards) - IN_FULL - IN_LINES),
        "bulks": bulks(page.cards),
        "name_the_well": len(page.well) <= WELL_BY_NAME,
        "incident": page.incident,
        "may_act": entered.may_press,
        "entered": entered,
        "waiting": waiting_in(entered.row, request.user, now),
    }


def _token(organization: Organization, fresh: Freshness) -> str:
    """Names what the page shows: it grows with every change, and turns when the looking itself has stopped."""
    return f"{organization.version}-old" if fresh.old else str(organization.version)


def bulks(cards: tuple[Card, ...]) -> tuple[Bulk, ...]:
    counts = Counter(card.action for card in cards if card.action)
    return tuple(Bulk(action, bulk_text(action, count)) for action, count in counts.items() if count > 1)


def bulk_text(action: str, count: int) -> str:
    """`Re-advertise all 3 withdrawn prefixes`."""
    entry = CATALOGUE[action]
    what = noun(entry.kinds, count)
    return f"{entry.words.verb} all {what.replace(' ', ' withdrawn ') if entry.kinds == (Kind.PREFIX,) else what}"


# What somebody feels although it may be reachable.
BROKEN = (Damage.BAD_DEPLOY, Damage.MISROUTED, Damage.POLICY_BLOCKS, Damage.RECORD_WRONG, Damage.KEYS_WRONG)


class Told(Protocol):
    """What a headline tells of: the home page of an organization, or its line on the support desk."""

    @property
    def cards(self) -> tuple[Card, ...]: ...
    @property
    def total(self) -> int: ...
    @property
    def kinds(self) -> frozenset[Kind]: ...
    @property
    def old(self) -> bool: ...
    @property
    def whose(self) -> tuple[str, str]:
        """How its owner is spoken of: `("your", "you")`, or `("their", "them")`."""
        ...


def headline(page: Told) -> str:
    """The one sentence that is true now, the worst first."""
    if not page.total:
        return f"Nothing is watched for {page.whose[1]} yet"
    out = [card for card in page.cards if card.unreachable]
    if out:
        return f"{_of(out, page)} cannot be reached{_from_where(out)}"
    withdrawn = [card for card in page.cards if card.damage in (Damage.WITHDRAWN, Damage.WITHDRAWN_UNBOUND)]
    if withdrawn:
        return f"{_of(withdrawn, page)} {_are(withdrawn)} not advertised from every location"
    broken = [card for card in page.cards if card.damage in BROKEN]
    if broken:
        return f"{_of(broken, page)} {_are(broken)} not as {'it' if len(broken) == 1 else 'they'} should be"
    drifted = [card for card in page.cards if card.damage is Damage.DRIFTED]
    if drifted:
        return f"{_of(drifted, page)} {_are(drifted)} not as last proven to work"
    if page.cards:
        return f"We do not know how {_of(list(page.cards), page)} {_are(page.cards)}"
    if page.old:
        return "We cannot see at the moment how things are"
    return f"Everything we watch for {page.whose[1]} is reachable"


def _of(cards: list[Card], page: Told) -> str:
    if page.total > 1:
        if len({NOUNS[kind] for kind in page.kinds}) > 1:
            return f"{len(cards)} of the {page.total} things that we watch for {page.whose[1]}"
        return f"{len(cards)} of {page.whose[0]} {noun(page.kinds, page.total)}"
    return f"{page.whose[0].capitalize()} {NOUNS[cards[0].kind]} {cards[0].name}"


def _are(cards: list[Card] | tuple[Card, ...]) -> str:
    return "is" if len(cards) == 1 else "are"


def _from_where(cards: list[Card]) -> str:
    """Nothing when one of them is out everywhere: that is what "cannot be reached" means."""
    if any(len(card.unreachable) >= card.places for card in cards):
        return ""
    places = {place for card in cards for place in card.unreachable}
    return f" from {next(iter(places))}" if len(places) == 1 else " from some locations"
