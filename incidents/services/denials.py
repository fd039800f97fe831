"""Writes down that somebody was refused what they asked for, without letting them fill the log."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.models import Denial, Organization, Person
from incidents.models.clock import database_now

# A page that is polled after a right was taken away asks for the same address every few seconds.
ONCE_IN = timedelta(minutes=1)
MOST, WITHIN = 30, timedelta(minutes=10)
LONGEST = 290
MORE = ""


def record_denial(person: Person, organization: Organization | None, method: str, what: str) -> None:
    """One `access.denied` entry, unless there are enough of them.

    The same method and address is written down once in a minute, and 30 refusals of a person in ten minutes; then one
    entry with `"and": "more"`, and nothing until the ten minutes are over.

    Args:
        organization: whose thing it would have been; None when there is none of that name.
        method: GET for looking, POST for an attempt to act.
        what: the address that was asked for.
    """
    asked = f"{method} {what[:LONGEST]}"
    # Most repeats end here, without the lock that every writer of the log waits for.
    if _due(person, asked, database_now()) is None:
        return
    with recorded():
        now = database_now()
        due = _due(person, asked, now)
        if due is None:
            return
        Denial.objects.filter(person=person, at__lt=now - WITHIN).delete()
        Denial.objects.create(person=person, address=due, at=now)
        data: dict[str, str] = {"method": method, "what": what[:LONGEST]}
        if due == MORE:
            data["and"] = "more"
        append(_entry("access.denied", person, organization, {**data}))


def record_unusable(person: Person, organization: Organization, what: str, problem: str) -> None:
    """One `run.refused` entry for a request that named no plan, or nothing to act on, so that no verb was reached.

    Args:
        what: the address that was posted to.
        problem: what the person was told.
    """
    data: JsonObject = {"what": what[:LONGEST], "because": ["form.unusable"], "text": problem}
    with transaction.atomic(durable=True):
        append(_entry("run.refused", person, organization, data))


def _due(person: Person, asked: str, now: datetime) -> str | None:
    """What is to be kept of this refusal: the request, MORE when there were too many, None when it is told already."""
    rows = Denial.objects.filter(person=person, at__gt=now - WITHIN)
    told = list(rows.values_list("address", "at"))
    if any(address == MORE or (address == asked and at > now - ONCE_IN) for address, at in told):
        return None
    return asked if len(told) < MOST else MORE


def _entry(event: str, person: Person, organization: Organization | None, data: JsonObject) -> Entry:
    actor = actor_of(person)
    return Entry(event, actor, organization.slug if organization else "", data=data)
