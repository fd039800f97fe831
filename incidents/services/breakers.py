"""Lets an action go on that a breaker has stopped everywhere."""

from __future__ import annotations

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import NotAllowed
from incidents.domain.people import FREEZE_EVERYONE
from incidents.engine.grants import holds_everywhere
from incidents.engine.news import show_news_to
from incidents.models import Breaker, Organization, Person
from incidents.models.clock import database_now
from incidents.services.reasons import need

WHY = "Write what was looked at, and why it may go on. It is kept in the audit log."


def close(person: Person, breaker: Breaker, because: str) -> None:
    """The action may go on, and what it has done so far counts no more. Harmless when repeated.

    Raises:
        NotAllowed: the person may not let it go on.
        Refused: no reason.
    """
    if not holds_everywhere(person, FREEZE_EVERYONE):
        raise NotAllowed("You may not let this go on.")
    because = need(because, WHY)
    with recorded():
        rows = Breaker.objects.filter(pk=breaker.pk, closed_at=None)
        if rows.update(closed_at=database_now(), closed_by=person, closed_because=because):
            show_news_to(Organization.objects.all())
            data: JsonObject = {
                "action": breaker.action,
                "rescue": breaker.rescue,
                "because": because,
                "was": breaker.because,
            }
            append(Entry("breaker.closed", actor_of(person), data=data))
