"""What was told outside the console: each channel, and every delivery with its attempts. For support."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.access import SignedInRequest, access_desk, signed_in
from incidents.selectors.notices import HELPING, STATES, read_told

# Of the number by which a page begins; more digits are no id.
DIGITS = 18


@require_safe
@signed_in
def notices(request: SignedInRequest) -> HttpResponse:
    access_desk(request, *HELPING)
    state, before = request.GET.get("state", ""), request.GET.get("before", "")
    state = state if state in STATES else ""
    is_id = before.isascii() and before.isdigit() and len(before) <= DIGITS
    told = read_told(request.user, state, int(before) if is_id else 0)
    return render(request, "desk/notices.html", {"told": told, "state": state, "newest": not is_id})
