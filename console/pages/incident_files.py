"""The timeline of an incident as a file, for a program or for a spreadsheet. Who took one is kept in the audit log."""

from __future__ import annotations

import csv
import io

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from console.access import SignedInRequest, access_incident, signed_in
from console.incident_words import as_text, hand_over, headline, sentence_of
from console.pages.incident import show_of
from console.untrusted import cell
from incidents.models import Incident
from incidents.selectors.hand_over import read_hand_over
from incidents.selectors.incidents import Timeline, read_file
from incidents.services.incident_exports import record_export

COLUMNS = ("time", "kind", "who", "what happened", "words", "run", "id", "corrects", "corrected by")


@require_GET
@signed_in
def as_json(request: SignedInRequest, incident: str) -> HttpResponse:
    """Strings as they were typed; `rest` is where the rest begins, null where this is all."""
    row, timeline = _read(request, incident, "json")
    page = read_hand_over(row, timezone.now())
    parts = hand_over(row, page, settings.OPERATOR_NAME)
    body = {
        "reference": row.reference,
        "organization": row.organization.slug,
        "opened_at": row.opened_at.isoformat(),
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "because": row.because,
        "closed_because": row.closed_because,
        "headline": headline(row, page),
        "hand_over": as_text(headline(row, page), parts),
        "events": [
            {
                "id": event.id,
                "at": event.at.isoformat(),
                "kind": event.kind,
                "by": event.by,
                "code": event.code,
                "what": event.what,
                "count": event.count,
                "run": event.run,
                "says": sentence_of(event, settings.OPERATOR_NAME).text,
                "text": event.text,
                "corrects": event.corrects or None,
                "corrected_by": event.corrected_by or None,
            }
            for event in timeline.events
        ],
        "rest": _rest(request, row, timeline, "incident-json") or None,
    }
    return _file(JsonResponse(body), row, "json")


@require_GET
@signed_in
def as_csv(request: SignedInRequest, incident: str) -> HttpResponse:
    """One line an event; no cell of it is a formula."""
    row, timeline = _read(request, incident, "csv")
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for event in timeline.events:
        said = sentence_of(event, settings.OPERATOR_NAME)
        numbers = (str(event.corrects or ""), str(event.corrected_by or ""))
        cells = (event.at.isoformat(), event.kind, event.by, said.text, said.quoted, event.run, event.id, *numbers)
        writer.writerow([cell(one) for one in cells])
    if rest := _rest(request, row, timeline, "incident-csv"):
        writer.writerow(["", "rest", "", "There is more. It begins here:", rest, "", "", "", ""])
    # The mark by which spreadsheets know UTF-8.
    body = "\ufeff" + text.getvalue()
    return _file(HttpResponse(body, content_type="text/csv; charset=utf-8"), row, "csv")


def _read(request: SignedInRequest, reference: str, form: str) -> tuple[Incident, Timeline]:
    row = access_incident(request, reference).row
    show = show_of(request)
    timeline = read_file(row, show, request.GET.get("at", ""))
    record_export(request.user, row, form, show, len(timeline.events))
    return row, timeline


def _rest(request: SignedInRequest, row: Incident, timeline: Timeline, name: str) -> str:
    if not timeline.rest:
        return ""
    return request.build_absolute_uri(
        f"{reverse(name, args=[row.reference])}?show={show_of(request)}&at={timeline.rest}"
    )


def _file(response: HttpResponse, row: Incident, form: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{row.reference}.{form}"'
    response["Cache-Control"] = "no-store"
    return response
