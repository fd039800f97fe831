"""The engineers' queue: what customers cannot repair themselves, the longest waiting first."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from console.access import SignedInRequest, access_desk, may_only_see, signed_in, there
from console.desk_forms import NoteForm
from console.forms import first_problem
from console.pages.answers import see_other
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import EngineerEntry
from incidents.selectors.desk import desk_of
from incidents.selectors.queue import WATCHING, find_entry, read_queue, usual_wait
from incidents.services.queue import take, write_note

LONGEST_NAME = 150


@require_safe
@signed_in
def queue(request: SignedInRequest) -> HttpResponse:
    access_desk(request, *WATCHING)
    return _show(request)


@require_http_methods(["GET", "POST"])
@signed_in
def take_entry(request: SignedInRequest, entry_id: int) -> HttpResponse:
    instead_of = request.POST.get("instead_of", "")[:LONGEST_NAME].replace("\0", "")
    return _answer(request, entry_id, lambda entry: take(request.user, entry, instead_of))


@require_http_methods(["GET", "POST"])
@signed_in
def note(request: SignedInRequest, entry_id: int) -> HttpResponse:
    form = NoteForm(request.POST)
    if request.method == "POST" and not form.is_valid():
        entry = _entry(request, entry_id)
        return _show(request, first_problem(form), entry)
    return _answer(request, entry_id, lambda entry: write_note(request.user, entry, form.cleaned_data["note"]))


def _answer(request: SignedInRequest, entry_id: int, act: Callable[[EngineerEntry], None]) -> HttpResponse:
    if request.method == "GET":
        access_desk(request, *WATCHING)
        return see_other("desk-queue")
    entry = _entry(request, entry_id)
    try:
        act(entry)
    except NotAllowed as refused:
        raise may_only_see(request, entry.resource.organization, str(refused)) from refused
    except Refused as refused:
        return _show(request, str(refused), entry)
    return see_other("desk-queue")


def _entry(request: SignedInRequest, entry_id: int) -> EngineerEntry:
    return there(request, find_entry(request.user, entry_id))


def _show(request: SignedInRequest, problem: str = "", at: EngineerEntry | None = None) -> HttpResponse:
    context = {
        "entries": read_queue(request.user),
        "wait": usual_wait(),
        "problem": problem,
        "at": at,
        "support": desk_of(request.user) == "desk",
    }
    return render(request, "desk/queue.html", context, status=422 if problem else 200)
