"""Writes down who took the whole timeline of an incident away, and in which form."""

from __future__ import annotations

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.models import Incident, Person


def record_export(person: Person, incident: Incident, form: str, show: str, events: int) -> None:
    """One `incident.exported` entry.

    Args:
        form: `json` or `csv`.
        show: which part of it was asked for.
        events: how many there were in the file.
    """
    data: JsonObject = {"incident": incident.reference, "form": form, "show": show, "events": events}
    with recorded():
        append(Entry("incident.exported", actor_of(person), incident.organization.slug, data=data))
