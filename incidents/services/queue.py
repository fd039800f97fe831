"""The engineers' queue: who has taken an entry, and what the customer is told about it."""

from __future__ import annotations

from django.db.models import QuerySet

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import NotAllowed, Refused
from incidents.engine.grants import holds
from incidents.engine.news import show_news
from incidents.models import EngineerEntry, Person
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHAT = "Write what the customer should know."
GONE = "This is settled by now. Nothing was changed."


def take(person: Person, entry: EngineerEntry, instead_of: str) -> None:
    """The person works on it from now on.

    Args:
        instead_of: username of who had it when the person decided; empty when nobody had. Somebody who goes home hands
            an entry over so, and of two who reach for it at once only one gets it.

    Raises:
        NotAllowed: no engineer of this organization.
        Refused: somebody else has taken it meanwhile, or it is settled.
    """
    _must_engineer(person, entry)
    with recorded():
        seen = _open(entry).filter(taken_by__username=instead_of) if instead_of else _open(entry).filter(taken_by=None)
        # A subquery, for an update may not join.
        taken = EngineerEntry.objects.filter(pk__in=seen.values("pk"))
        if not taken.update(taken_by=person, taken_at=database_now()):
            raise Refused(GONE if not _open(entry).exists() else "Somebody else has taken it meanwhile.")
        _tell(person, entry, "engineer-entry.taken", {"instead_of": instead_of})


def write_note(person: Person, entry: EngineerEntry, note: str) -> None:
    """What the customer reads beside the fault, instead of what stood there before.

    Raises:
        NotAllowed: neither an engineer of this organization nor its support.
        Refused: no words, too many, or it is settled.
    """
    if not holds(person, "support_organization", entry.resource.organization):
        _must_engineer(person, entry)
    note = need(note, WHAT)
    with recorded():
        if not _open(entry).update(note=note, noted_at=database_now()):
            raise Refused(GONE)
        _tell(person, entry, "engineer-entry.noted", {"note": note})


def _open(entry: EngineerEntry) -> QuerySet[EngineerEntry]:
    return EngineerEntry.objects.filter(pk=entry.pk, closed_at=None)


def _must_engineer(person: Person, entry: EngineerEntry) -> None:
    if not holds(person, "engineer_organization", entry.resource.organization):
        raise NotAllowed("Only an engineer of this organization may do this.")


def _tell(person: Person, entry: EngineerEntry, event: str, data: JsonObject) -> None:
    organization = entry.resource.organization
    show_news(organization.pk)
    append(Entry(event, actor_of(person), organization.slug, data={"resource": entry.resource.name, **data}))
