"""Sends a notice to try a channel, at once, and tells what came of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from incidents.audit.log import Actor, Entry, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import Refused
from incidents.domain.notices import TEST, Posting, Result, Severity
from incidents.engine.notice_channels import MAIL, sender_of
from incidents.engine.telling import NOBODY, receivers_of
from incidents.models import Channel
from incidents.models.clock import database_now

SUBJECT = "Test: this channel of the console works"
TEXT = "Somebody tried whether notices arrive here. Nothing is broken, and nothing is to be done."


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: to whom, masked, what came of it, and how long it took."""

    to: str
    result: Result
    took_ms: int


def try_channel(slug: str, actor: Actor) -> list[Tried]:
    """One attempt a receiver, none of which is repeated.

    Raises:
        Refused: there is no such channel, or nobody at its end.
        InventoryFault: its settings cannot be used any more.
    """
    channel = Channel.objects.filter(slug=slug).first()
    if channel is None:
        raise Refused(f"There is no channel {slug}. Nothing was sent.")
    receivers = receivers_of({slug}).get(slug, [""])
    if channel.kind == MAIL and receivers == [""]:
        raise Refused(f"{NOBODY} Nothing was sent.")
    sender = sender_of(channel)
    try:
        tried = []
        for to in receivers:
            posting = Posting(str(uuid.uuid4()), TEST, Severity.NOTE, database_now(), SUBJECT, TEXT)
            began = time.monotonic()
            result = sender.send(posting, to)
            tried.append(Tried(sender.masked(to), result, int((time.monotonic() - began) * 1000)))
    finally:
        sender.close()
    with recorded():
        append(*[_entry(actor, slug, one) for one in tried])
    return tried


def _entry(actor: Actor, slug: str, tried: Tried) -> Entry:
    result = tried.result
    data: JsonObject = {
        "channel": slug,
        "to": tried.to,
        "went": result.went,
        "status": result.status,
        "detail": result.detail,
    }
    return Entry("notice.tested", actor, data=data)
