"""Tells people what concerns them, on their own pages: no mail is needed for it, and none is waited for."""

from __future__ import annotations

from collections.abc import Iterable

from incidents.models import Notice, Person
from incidents.models.clock import database_now

LONGEST = 400


def tell(people: Iterable[Person], text: str, link: str) -> None:
    """One notice a person, in the caller's transaction.

    Args:
        link: address on this console that tells the whole.
    """
    now = database_now()
    Notice.objects.bulk_create(
        [Notice(person=person, at=now, text=text[:LONGEST], link=link) for person in dict.fromkeys(people)]
    )


def read(person: Person, notice_id: int) -> None:
    """The person has read it. Harmless when repeated, and for a notice that is not theirs."""
    Notice.objects.filter(pk=notice_id, person=person, read_at=None).update(read_at=database_now())
