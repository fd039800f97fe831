"""The audit log for reviewers: search, one entry, and copies to take away. Every search is a link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from console import audit_files
from console.access import SignedInRequest, access_audit, access_audit_entry, signed_in
from console.audit_forms import AuditForm
from console.audit_words import OUTCOMES, event_choices, facts, happened, who
from console.forms import first_problem
from incidents.actions.catalogue import CATALOGUE
from incidents.selectors.audit import Found, Line, Scope, Search, read_log, reviews_owed, search
from incidents.selectors.doors import find_run_by_id
from incidents.services import audit_reads

# More reviews than this are on their own page only.
MOST_REVIEWS = 10


@require_safe
@signed_in
def everything(request: SignedInRequest) -> HttpResponse:
    """What was searched for, the newest first; without a search, the newest entries of all."""
    scope = access_audit(request)
    form = AuditForm(request.GET, organizations=scope.organizations)
    if not form.is_valid():
        return _show(request, scope, form)
    asked = form.search()
    # First, so that nobody has read what is not written down.
    audit_reads.record_search(request.user, asked.as_json())
    found = search(scope, asked, before=form.place("before"), after=form.place("after"))
    return _show(request, scope, form, asked, found)


@require_safe
@signed_in
def entry(request: SignedInRequest, number: int) -> HttpResponse:
    """One entry: in words, as facts, and byte for byte as it was hashed."""
    line = access_audit_entry(request, number)
    audit_reads.record_reading(request.user, line.index)
    run = find_run_by_id(request.user, line.run) if line.run else None
    context = {
        "line": line,
        "who": who(line.actor),
        "happened": happened(line),
        "outcome": OUTCOMES[line.outcome],
        "facts": facts({"came by": line.way, **line.data}),
        "body": line.body.decode("utf-8", "backslashreplace"),
        "run": run.row if run and run.may_see else None,
    }
    return render(request, "audit/entry.html", context)


@require_safe
@signed_in
def export(request: SignedInRequest, form_of_file: str) -> HttpResponse:
    """The search as a file, which is sent while it is read."""
    scope = access_audit(request)
    form = AuditForm(request.GET, organizations=scope.organizations)
    if not form.is_valid():
        return _show(request, scope, form)
    asked = form.search()
    audit_reads.record_export(request.user, asked.as_json(), form_of_file)
    write: Callable[[Scope, Search, int | None], Iterator[str]] = audit_files.WRITERS[form_of_file]
    answer = StreamingHttpResponse(
        write(scope, asked, form.place("before")), content_type=audit_files.TYPES[form_of_file]
    )
    name = f"audit-{timezone.now():%Y-%m-%d-%H%M}.{form_of_file}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    # A sibling of HttpResponse; the doors pass either on as it is.
    return cast(HttpResponse, answer)


def _show(
    request: SignedInRequest,
    scope: Scope,
    form: AuditForm,
    asked: Search | None = None,
    found: Found | None = None,
) -> HttpResponse:
    owed = reviews_owed(request.user, MOST_REVIEWS + 1)
    context: dict[str, Any] = {
        "scope": scope,
        "form": form,
        "problem": first_problem(form) if asked is None else "",
        "asked": asked,
        "links": _links(asked, found) if asked and found else {},
        "lines": [_told(line) for line in found.lines] if found else [],
        "log": read_log(),
        "owed": owed[:MOST_REVIEWS],
        "more_owed": len(owed) > MOST_REVIEWS,
        "actions": [(name, action.words.verb) for name, action in CATALOGUE.items()],
        "events": event_choices(),
        "outcomes": [(value, words[1]) for value, words in OUTCOMES.items()],
    }
    return render(request, "audit/list.html", context, status=422 if asked is None else 200)


def _links(asked: Search, found: Found) -> dict[str, str]:
    return {
        "this": asked.link(),
        "older": "" if found.before is None else asked.link(before=found.before),
        "newer": "" if found.after is None else asked.link(after=found.after),
    }


def _told(line: Line) -> dict[str, Any]:
    return {"line": line, "happened": happened(line), "outcome": OUTCOMES[line.outcome]}
