"""Keeps what people write down in an incident. A note is never changed: whoever wrote it writes another one instead."""

from __future__ import annotations

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import KeyReused, NotAllowed, Refused
from incidents.domain.people import Grant
from incidents.engine.grants import holds
from incidents.engine.news import show_news
from incidents.models import Incident, IncidentNote, Person
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHAT = "Write what you want the others to know."
LONGEST_NOTE = 2000
LONGEST_KEY = 64
MAY_WRITE: tuple[Grant, ...] = ("act_for_organization", "support_organization", "engineer_organization")


def write(
    person: Person, incident: Incident, text: str, key: str, corrects: IncidentNote | None = None
) -> IncidentNote:
    """Keeps one note; with `corrects`, in the place of that one, which stays readable.

    The same key and text again gives the note that was kept the first time.

    Raises:
        NotAllowed: the person may only look.
        KeyReused: the form was sent before with another text.
        Refused: no text or too much, a closed incident, or a note that is somebody else's, or corrected already.
    """
    if not any(holds(person, grant, incident.organization) for grant in MAY_WRITE):
        raise NotAllowed("You can see this but not write here.")
    text = need(text.replace("\r\n", "\n"), WHAT, LONGEST_NOTE)
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused("Load this page again, and send it then. Nothing was kept.")
    with recorded():
        if (before := IncidentNote.objects.filter(incident=incident, by=person, key=key).first()) is not None:
            return _same(before, text, corrects)
        if Incident.objects.filter(pk=incident.pk).exclude(closed_at=None).exists():
            raise Refused(
                f"{incident.reference} is closed, so nothing was added. If something is broken, open an incident."
            )
        if corrects is not None:
            _must_correct(person, incident, corrects)
        made = IncidentNote.objects.create(
            incident=incident, by=person, at=database_now(), text=text, corrects=corrects, key=key
        )
        show_news(incident.organization_id)
        append(_entry(person, made))
    return made


def _same(before: IncidentNote, text: str, corrects: IncidentNote | None) -> IncidentNote:
    if before.text != text or before.corrects_id != (corrects.pk if corrects else None):
        raise KeyReused(
            "This form was sent already, with other words. Those were kept; these were not. Send them once more."
        )
    return before


def _must_correct(person: Person, incident: Incident, note: IncidentNote) -> None:
    if note.incident_id != incident.pk:
        raise Refused("That note belongs to another incident. Nothing was kept.")
    if note.by_id != person.pk:
        raise Refused("Only whoever wrote a note corrects it. Write one of your own instead.")
    if IncidentNote.objects.filter(corrects=note).exists():
        raise Refused("That note was corrected already. Correct the newer one.")


def _entry(person: Person, note: IncidentNote) -> Entry:
    data: JsonObject = {
        "incident": note.incident.reference,
        "note": note.pk,
        "text": note.text,
        "corrects": note.corrects_id,
    }
    return Entry("incident.noted", actor_of(person), note.incident.organization.slug, data=data)
