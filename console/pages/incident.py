"""The page of an incident: what is true now, what whoever takes over must know, and everything that happened."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from console.access import (
    SignedInRequest,
    access_incident,
    access_organization,
    may_only_see,
    signed_in,
    signed_in_fragment,
    there,
)
from console.incident_words import Sentence, as_text, at, hand_over, headline, sentence_of
from console.pages.answers import go_to
from console.pages.polling import WATCHING_FAULT, announcement, poll, stamped, unchanged
from console.pictures import draw_together
from console.words import many
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import Incident, IncidentNote, Person
from incidents.selectors.doors import Found
from incidents.selectors.hand_over import read_hand_over
from incidents.selectors.home import open_incident
from incidents.selectors.incident_events import Event, Show, scope_of
from incidents.selectors.incidents import find_note, place_of, read_harmed, read_incidents, read_timeline, version_of
from incidents.services.incident_notes import LONGEST_NOTE, MAY_WRITE, write

FILTERS: tuple[tuple[Show, str], ...] = (
    ("all", "Everything"),
    ("people", "What people did"),
    ("runs", "Runs"),
    ("measurements", "Measurements"),
)
LONGEST_NUMBER = 15
# How much its picture shows of the time before it began, and after it was closed.
AROUND = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it; `place` leads to it, `may_correct` says whether its note is the reader's."""

    event: Event
    said: Sentence
    place: str
    may_correct: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form for a note holds: the text, its token, the note that it corrects, and what was wrong with it."""

    text: str
    key: str
    corrects: IncidentNote | None = None
    problem: str = ""


@require_safe
@signed_in
def incident(request: SignedInRequest, incident: str) -> HttpResponse:
    entered = access_incident(request, incident)
    corrects = _chosen(entered.row, request.GET.get("correct", ""), request.user)
    return _show(request, entered, Draft(corrects.text if corrects else "", str(uuid.uuid4()), corrects))


@require_safe
@signed_in_fragment
def now(request: SignedInRequest, incident: str) -> HttpResponse:
    """The polled part; 204 while nothing has changed, and without a trigger once it is closed."""
    entered = access_incident(request, incident)
    moment = timezone.now()
    if request.GET.get("v") == _token(entered.row, moment):
        return unchanged(moment)
    context = _context(request, entered, moment)
    context["announce"] = announcement(request, context["headline"])
    return stamped(render(request, "incident/_fragment.html", context), moment)


@require_http_methods(["GET", "POST"])
@signed_in
def note(request: SignedInRequest, incident: str) -> HttpResponse:
    """Keeps a note, or one in the place of another."""
    page = reverse("incident", args=[incident])
    if request.method == "GET":
        return go_to(page)
    entered = access_incident(request, incident)
    text, key = request.POST.get("text", "").replace("\0", ""), request.POST.get("key", "").replace("\0", "")
    number = request.POST.get("corrects", "")
    corrects = there(request, _note(entered.row, number), entered.row.organization) if number else None
    try:
        made = write(request.user, entered.row, text, key, corrects)
    except NotAllowed as refused:
        raise may_only_see(request, entered.row.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, entered, Draft(text, str(uuid.uuid4()), corrects, str(refused)))
    return go_to(f"{page}#note-{made.pk}")


@require_safe
@signed_in
def everything(request: SignedInRequest, slug: str) -> HttpResponse:
    """Every incident of an organization, the newest first."""
    entered = access_organization(request, slug)
    before = request.GET.get("before", "")
    lines, rest = read_incidents(entered.row, int(before) if _is_number(before) else 0)
    context = {
        "organization": entered.row,
        "incident": open_incident(entered.row),
        "lines": lines,
        "rest": rest,
        "entered": entered,
    }
    return render(request, "incident/list.html", context)


def show_of(request: HttpRequest) -> Show:
    """Which part of the timeline is asked for; everything where there is no such part."""
    wanted = request.GET.get("show", "")
    return next((name for name, _ in FILTERS if name == wanted), "all")


def _show(request: SignedInRequest, entered: Found[Incident], draft: Draft) -> HttpResponse:
    context = _context(request, entered, timezone.now())
    context |= {"draft": draft, "longest": LONGEST_NOTE, "may_close": entered.is_owner_or_support}
    return stamped(render(request, "incident/incident.html", context, status=422 if draft.problem else 200), None)


def _context(request: SignedInRequest, entered: Found[Incident], moment: datetime) -> dict[str, Any]:
    row, show, place = entered.row, show_of(request), request.GET.get("at", "")
    oldest = request.GET.get("order") == "oldest"
    may_write = bool(entered.grants.intersection(MAY_WRITE))
    scope = scope_of(row)
    timeline = read_timeline(scope, show, place, oldest=oldest)
    page = read_hand_over(row, moment)
    harmed = read_harmed(scope)
    what = next(iter(harmed.values())) if len(harmed) == 1 else many(len(harmed), "thing")
    end = min(moment, row.closed_at + AROUND) if row.closed_at else moment
    parts, says = hand_over(row, page, settings.OPERATOR_NAME), headline(row, page)
    title = f"{says}. {row.organization.title}, as of {at(moment)}, since {at(scope.since)}"
    live = row.closed_at is None and not place and not oldest and request.method != "POST"
    polled = poll(
        request, reverse("incident-summary", args=[row.reference]), _token(row, moment), says, WATCHING_FAULT * live
    )
    return {
        "organization": row.organization,
        "incident": row.reference,
        "row": row,
        "since": scope.since,
        "headline": says,
        "page": page,
        "picture": draw_together(harmed, what, scope.since - AROUND, end),
        "parts": parts,
        "text": as_text(title, parts),
        "lines": [
            _line(event, request.user, open_for=may_write and row.closed_at is None) for event in timeline.events
        ],
        "rest": _query(show, oldest, at=timeline.rest) if timeline.rest else "",
        "newest": _query(show, oldest) if place else "",
        "filters": [(name, title, _query(name, oldest)) for name, title in FILTERS],
        "show": show,
        "oldest": oldest,
        "other_order": _query(show, not oldest),
        "may_write": may_write,
        "poll": replace(polled, address=f"{polled.address}&show={show}") if polled.address else polled,
        "checked_at": moment,
        "well_minutes": settings.INCIDENT_WELL_MINUTES,
    }


def _line(event: Event, person: Person, *, open_for: bool) -> Line:
    mine = event.note and event.author == str(person.pk) and not event.corrected_by
    return Line(event, sentence_of(event, settings.OPERATOR_NAME), place_of(event), bool(mine and open_for))


def _query(show: Show, oldest: bool, **more: str) -> str:
    named = {"show": show} if show != "all" else {}
    return "?" + urlencode({**named, **({"order": "oldest"} if oldest else {}), **more})


def _token(row: Incident, moment: datetime) -> str:
    """Names what the page shows: the organization's version, that of the runs, and the minute, for readings."""
    minute = (moment - row.opened_at) // timedelta(minutes=1)
    return f"{row.organization.version}-{version_of(row)}-{minute}"


def _chosen(row: Incident, number: str, person: Person) -> IncidentNote | None:
    """The note that this person is about to correct; None where there is none, or it is not theirs."""
    found = _note(row, number)
    return found if found is not None and found.by_id == person.pk else None


def _note(row: Incident, number: str) -> IncidentNote | None:
    return find_note(row, int(number)) if _is_number(number) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
