"""The manners of a polled fragment: how often, how it says that nothing is new, when it has something to announce."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse

from console.access import SignedInRequest

# Seconds between two looks.
WATCHING_RUN, WATCHING_FAULT, ALL_WELL = 2.0, 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Poll:
    """What the polled block prints into itself.

    Args:
        address: of the fragment, with what this copy of it knows; empty when it is not polled (any more).
        trigger: how often, with a jitter of its own, so that a thousand pages do not ask at once.
        seconds: the same for people.
        off: whether this person has paused it.
    """

    address: str
    trigger: str
    seconds: int
    off: bool


def poll(
    request: SignedInRequest, fragment: str, token: str, headline: str, seconds: float, *, soon: bool = False
) -> Poll:
    """What a block prints into itself.

    Args:
        seconds: between two looks; 0 when there is nothing more to wait for.
        soon: whether something is about to happen, so that the next look comes after half a second.
    """
    off = request.GET.get("updates") == "off"
    if off or not seconds:
        return Poll("", "", round(seconds), off)
    jittered = seconds * (1 + random.random() * 0.2)  # noqa: S311  # spreads load, keeps no secret
    trigger = f"{'load delay:500ms, ' if soon else ''}every {jittered:.1f}s, refresh"
    return Poll(f"{fragment}?v={token}&s={meaning(headline)}", trigger, round(seconds), off)


def meaning(headline: str) -> str:
    """A short name of what a headline says; the client hands it back, so that only a change is announced."""
    return f"{zlib.crc32(headline.encode()):08x}"


def announcement(request: SignedInRequest, headline: str) -> str:
    """What a screen reader shall say now: the headline when it says something new; otherwise nothing."""
    known = request.GET.get("s", "")
    return headline if known and known != meaning(headline) else ""


def unchanged(checked_at: datetime | None) -> HttpResponse:
    """Swaps nothing; the header lets the page say how fresh it is. In all below 400 bytes on the wire."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    # There is nothing in it that could be framed.
    response.xframe_options_exempt = True
    return stamped(response, checked_at)


def stamped(response: HttpResponse, checked_at: datetime | None) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    if checked_at is not None:
        response["Handrail-Checked-At"] = checked_at.isoformat(timespec="seconds")
    return response
