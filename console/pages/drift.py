"""Every location of an organization beside what should be there. Reads what is stored, and changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from console import words
from console.access import SignedInRequest, access_organization, signed_in
from incidents.domain.drift import Verdict, differences
from incidents.selectors.chosen import Chosen
from incidents.selectors.drift import Drift, Line, read_drift

# So many things are shown, unless all are asked for: a page of thousands is no use on a phone.
SHOWN = 100
# In the order in which they matter to whoever reads.
TITLES = {
    Verdict.DRIFTED: "Not as they should be",
    Verdict.UNSEEN: "Could not be seen",
    Verdict.AWAY: "Moved on purpose, for a while",
    Verdict.UNPROVEN: "Never proven to work, so there is nothing to compare with",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One side at one location, and which settings differ where the words for both states are the same."""

    line: Line
    differing: str


@dataclass(slots=True)
class Thing:
    """One resource, with those of its locations that belong into one part of the page."""

    id: uuid.UUID
    name: str
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page; `beyond` is how many more there are."""

    verdict: Verdict
    title: str
    things: Sequence[Thing]
    beyond: int


@require_safe
@signed_in
def drift(request: SignedInRequest, slug: str) -> HttpResponse:
    entered = access_organization(request, slug)
    found = read_drift(Chosen(organization=entered.row.slug), timezone.now())
    shown = None if request.GET.get("all") == "yes" else SHOWN
    context = {
        "organization": entered.row,
        "headline": headline(found),
        "parts": [part for verdict in TITLES if (part := _part(found, verdict, shown)).things],
        "as_good": found.counts[Verdict.AS_GOOD],
        "total": len(found.lines),
        "damaged": any(line.damaged for line in found.lines),
    }
    return render(request, "drift/drift.html", context)


def headline(found: Drift) -> str:
    """The one sentence that is true, the worst first."""
    count = found.counts
    if not found.lines:
        return "Nothing is watched for you yet"
    if count[Verdict.DRIFTED]:
        return f"{_of(found, Verdict.DRIFTED)} not as last proven to work"
    if count[Verdict.UNSEEN]:
        return f"{_of(found, Verdict.UNSEEN)} not known at the moment"
    if count[Verdict.UNPROVEN] == len(found.lines):
        return "Nothing was proven to work yet"
    return "Everything is as it should be"


def _of(found: Drift, verdict: Verdict) -> str:
    count = found.counts[verdict]
    return f"{count} of {len(found.lines)} settings {'is' if count == 1 else 'are'}"


def _part(found: Drift, verdict: Verdict, shown: int | None) -> Part:
    things: dict[uuid.UUID, Thing] = {}
    for line in found.lines:
        if line.verdict is verdict:
            things.setdefault(line.resource, Thing(line.resource, line.name)).places.append(
                Place(line, differing(line))
            )
    chosen = list(things.values())[:shown]
    return Part(verdict, TITLES[verdict], chosen, len(things) - len(chosen))


def differing(line: Line) -> str:
    """`med, next hop`, where the words for both states do not tell them apart; empty otherwise."""
    if line.now is None or line.good is None:
        return ""
    if words.describe(line.aspect, line.now) != words.describe(line.aspect, line.good):
        return ""
    return ", ".join(difference.field.replace("_", " ") for difference in differences(line.now, line.good))
