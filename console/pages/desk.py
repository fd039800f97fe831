"""The support desk: who needs help now, and one search box over everybody whom this person supports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_desk, access_supported, signed_in, signed_in_fragment
from console.pages.home import headline
from console.pages.polling import ALL_WELL, WATCHING_FAULT, announcement, poll, stamped, unchanged
from console.words import many
from incidents.selectors.approvals import unread, waiting_for
from incidents.selectors.breakers import read_breakers
from incidents.selectors.callers import read_consents
from incidents.selectors.desk import read_customers, read_version
from incidents.selectors.freezes import read_freezes
from incidents.selectors.home import Freshness, freshness, open_incident
from incidents.selectors.machine import Machine, read_machine
from incidents.selectors.search import Hit, search

# So many customers are told in full; the rest is named.
IN_FULL = 20
LONGEST_SEARCH = 100


@require_safe
@signed_in
def desk(request: SignedInRequest) -> HttpResponse:
    access_desk(request, "support_organization")
    now = timezone.now()
    words = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    context = _context(request, freshness(now), now) | {"q": words, "notices": unread(request.user)}
    if words:
        context["hits"] = [(hit, _page_of(hit)) for hit in search(request.user, words)]
    return stamped(render(request, "desk/desk.html", context), None)


@require_safe
@signed_in_fragment
def summary(request: SignedInRequest) -> HttpResponse:
    """The polled part of it; 204 while the page that asks is still true."""
    access_desk(request, "support_organization")
    now = timezone.now()
    fresh = freshness(now)
    if request.GET.get("v") == _token(request, fresh, read_machine(now)):
        return unchanged(fresh.checked_at)
    context = _context(request, fresh, now)
    context["announce"] = announcement(request, context["says"])
    return stamped(render(request, "desk/_fragment.html", context), fresh.checked_at)


@require_safe
@signed_in
def customer(request: SignedInRequest, slug: str) -> HttpResponse:
    """What there is to do for one customer, and who acted for it lately."""
    entered = access_supported(request, slug)
    context = {
        "organization": entered.row,
        "entered": entered,
        "incident": open_incident(entered.row),
        "consents": read_consents(entered.row),
        "now": timezone.now(),
    }
    return render(request, "desk/customer.html", context)


def _context(request: SignedInRequest, fresh: Freshness, now: datetime) -> dict[str, Any]:
    customers = read_customers(request.user, now)
    machine = read_machine(now)
    says = _says(len(customers))
    seconds = WATCHING_FAULT if customers or machine.live or fresh.old else ALL_WELL
    return {
        "says": says,
        "asked": [row for row in waiting_for(request.user, now) if not row.mine],
        "customers": [(one, headline(one)) for one in customers[:IN_FULL]],
        "more": customers[IN_FULL:],
        "machine": machine,
        "freezes": read_freezes(request.user),
        "breakers": read_breakers(),
        "fresh": fresh,
        "poll": poll(request, reverse("desk-summary"), _token(request, fresh, machine), says, seconds),
    }


def _token(request: SignedInRequest, fresh: Freshness, machine: Machine) -> str:
    """Names what the desk shows: what has changed, whether measuring or the workers stand still."""
    trouble = f"{'-old' if fresh.old else ''}{'-late' if machine.late else ''}"
    return f"{read_version(request.user)}{trouble}"


def _says(count: int) -> str:
    if not count:
        return "Nobody needs help now"
    return f"{many(count, 'customer')} need{'s' if count == 1 else ''} help now"


def _page_of(hit: Hit) -> str:
    """Where a hit leads to: the customer's own view of it."""
    if hit.kind == "run":
        return reverse("run", args=[hit.key])
    if hit.kind == "resource":
        return reverse("resource", args=[hit.slug, hit.key])
    if hit.kind == "incident":
        return reverse("incident", args=[hit.text])
    return reverse("home", args=[hit.slug])
