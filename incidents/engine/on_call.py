"""Asks who is on call. A rota in the inventory needs nobody; an on-call system is asked by the poller, never by a page.

Its answer (GET, JSON): `{"on_call": ["shop-operator", ...]}`, names of people as in the inventory.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from incidents.domain.canonical import Json
from incidents.domain.errors import HandrailError
from incidents.domain.on_call import on_answer, on_rota, read_shift, read_turns
from incidents.engine.backends import secret_of
from incidents.models import Person, Rota
from incidents.models.clock import database_now
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client
from incidents.wire.rota import client_of

logger = logging.getLogger(__name__)

# Seconds between two questions to one system, and the longest that one may take.
EVERY = timedelta(seconds=30)
BUDGET = 3.0
MOST_NAMES = 200


def now(rota: str, person: Person, at: datetime) -> bool | None:
    """Whether the person is on call by this rota; None when nobody can tell, or no rota is named."""
    row = Rota.objects.filter(slug=rota).first() if rota else None
    if row is None:
        return None
    if row.settings:
        return on_answer(row.answer, row.answered_at, person.username, at)
    return on_rota(read_turns(row.turns), [read_shift(item) for item in row.shifts], person.username, at)


def refresh() -> None:
    """Asks each on-call system whose answer is not fresh. Nothing is held meanwhile; a silent one keeps its last."""
    at = database_now()
    for row in Rota.objects.exclude(settings={}):
        if row.answered_at is None or at - row.answered_at >= EVERY:
            _ask(row)


def _ask(row: Rota) -> None:
    client = client_of(row.slug, row.settings, secret_of)
    try:
        answer = _names(client, row.slug)
    except HandrailError as error:
        logger.warning("rota %s: %s", row.slug, error)
        Rota.objects.filter(pk=row.pk).update(problem=str(error)[:200])
    else:
        Rota.objects.filter(pk=row.pk).update(answer=answer, answered_at=database_now(), problem="")
    finally:
        client.close()


def _names(client: Client, rota: str) -> list[str]:
    """Raises HandrailError where there is no answer that names people."""
    reply = client.call(Deadline(BUDGET), "GET", "")
    names: Json = reply.body.get("on_call") if isinstance(reply.body, dict) else None
    if reply.status != 200 or not isinstance(names, list) or len(names) > MOST_NAMES:
        raise HandrailError(f"{rota} did not answer with a list of names under on_call (status {reply.status})")
    if not all(isinstance(name, str) for name in names):
        raise HandrailError(f"{rota} named somebody with something that is no text")
    return [str(name) for name in names]
