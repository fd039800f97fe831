"""One resource at each location: what is, what was proven to work, and what is seen from outside."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_organization, access_resource, signed_in
from console.pictures import CARD_TIME, draw_together
from incidents.selectors.resource import read_resource


@require_safe
@signed_in
def resource(request: SignedInRequest, slug: str, resource_id: uuid.UUID) -> HttpResponse:
    entered = access_organization(request, slug)
    row = access_resource(request, entered.row, resource_id)
    now = timezone.now()
    page = read_resource(request.user, entered.row, row, may_act=entered.may_press, now=now)
    card = page.card
    headline = f"{page.name} is reachable"
    if card is not None:
        headline = f"{page.name} cannot be reached" if card.unreachable else f"{page.name} is not as it should be"
        if card.damage == "unknown":
            headline = f"We do not know how {page.name} is"
    context = {
        "organization": entered.row,
        "page": page,
        "card": card,
        "headline": headline,
        "picture": draw_together([row.pk], page.name, now - CARD_TIME, now),
        "incident": page.home.incident,
        "may_act": entered.may_press,
        "entered": entered,
    }
    return render(request, "resource/resource.html", context)
