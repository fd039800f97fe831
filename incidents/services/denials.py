"""Writes down that somebody tried to act where they may not."""

from __future__ import annotations

from django.db import transaction

from incidents.audit.log import Actor, Entry, append
from incidents.domain.canonical import JsonObject
from incidents.models import Organization, Person


def record_denial(person: Person, organization: Organization | None, what: str) -> None:
    """One `access.denied` entry.

    Args:
        organization: whose thing it would have been; None when there is none of that name.
        what: the address that was asked for.
    """
    _write("access.denied", person, organization, {"what": what[:300]})


def record_unusable(person: Person, organization: Organization, what: str, problem: str) -> None:
    """One `run.refused` entry for a request that named no plan, or nothing to act on, so that no verb was reached.

    Args:
        what: the address that was posted to.
        problem: what the person was told.
    """
    _write("run.refused", person, organization, {"what": what[:300], "because": ["form.unusable"], "text": problem})


def _write(event: str, person: Person, organization: Organization | None, data: JsonObject) -> None:
    actor = Actor("person", str(person.pk), person.username)
    with transaction.atomic(durable=True):
        append(Entry(event, actor, organization.slug if organization else "", data=data))
