"""Sends what is to be delivered: each channel in a thread of its own, so that one that hangs holds up no other.

A delivery is claimed by a counted update before anything is sent, and settled only by whoever claimed it. After a crash
it is sent again, under the same id, when the claim is over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connections
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from incidents.audit.log import ENGINE, Entry, append, recorded
from incidents.domain.errors import InventoryFault
from incidents.domain.notices import Posting, Result, Severity, wait_after
from incidents.engine.folding import fold
from incidents.engine.notice_channels import MAIL, sender_of
from incidents.engine.telling import NOBODY, tell_news
from incidents.models import Channel, Delivery, DeliveryAttempt, Letter
from incidents.models.clock import database_now

logger = logging.getLogger(__name__)

# Longer than any sender takes; who holds a delivery longer has died.
LEASE = timedelta(seconds=60)
# Channels at work in one process, and how many of them may be such that failed last: a place is never lacking for one
# that works.
MOST_CHANNELS, MOST_FAILING = 32, 16
# How long letters are kept, and how often, in seconds, a process looks for older ones.
KEPT, TIDY_EVERY = timedelta(days=90), 3_600.0
# Deliveries of one channel in one turn; then others of this process have theirs.
MOST = 50


class Postmen:
    """Begins a turn of each channel that has something to deliver, unless one is under way in this process."""

    def __init__(self) -> None:
        self._rounds: threading.Thread | None = None
        self._turns: dict[str, threading.Thread] = {}
        # Channels whose newest turn in this process failed, or has not ended.
        self._failing: set[str] = set()
        self._tidy_at = time.monotonic()

    def begin(self) -> None:
        """Returns at once: it looks for news, and delivers, in threads that nobody waits for."""
        if self._rounds is None or not self._rounds.is_alive():
            self._rounds = _thread("notices", self._round)

    def wait(self, seconds: float) -> None:
        """Until what has begun has ended, or for so long."""
        end = time.monotonic() + seconds
        for thread in [*filter(None, [self._rounds]), *list(self._turns.values())]:
            thread.join(max(0.0, end - time.monotonic()))

    def _round(self) -> None:
        tell_news()
        self._turns = {name: thread for name, thread in self._turns.items() if thread.is_alive()}
        due = [channel for channel in due_channels() if channel not in self._turns]
        for channel in sorted(due, key=self._failing.__contains__):
            failing = len(self._failing.intersection(self._turns))
            if len(self._turns) < MOST_CHANNELS and not (channel in self._failing and failing >= MOST_FAILING):
                self._failing.add(channel)
                self._turns[channel] = _thread(f"notices to {channel}", self._turn, channel)

        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_EVERY
            forget_old()

    def _turn(self, channel: str) -> None:
        if deliver(channel):
            self._failing.discard(channel)


def _thread(name: str, work: Callable[..., object], *arguments: str) -> threading.Thread:
    def run() -> None:
        try:
            work(*arguments)
        except Exception:  # a database that is away: nobody waits for this thread, and the next sweep tries again
            logger.exception("%s: this turn failed", name)
        finally:
            # The thread ends here, and its connection must not wait for a collector of garbage.
            connections.close_all()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def due_channels() -> list[str]:
    """Channels with something whose time has come and that nobody is sending."""
    return list(_due().order_by().values_list("channel", flat=True).distinct())


def deliver(slug: str) -> bool:
    """One turn of one channel: what is due, one after another, until one fails. Returns whether none did.

    After a failure the rest waits for the next turn: whoever does not answer is not asked fifty times.
    """
    held = fold(slug)
    due = _due().filter(channel=slug).exclude(pk__in=held).order_by("next_at", "pk")
    for key in list(due.values_list("pk", flat=True)[:MOST]):
        delivery = claim(key)
        if delivery is not None and not _attempt(delivery):
            return False
    return True


def forget_old() -> None:
    """What was told long ago goes, with its attempts; what was given up stays in the audit log."""
    old = Letter.objects.filter(at__lt=database_now() - KEPT).order_by("at").values_list("pk", flat=True)
    Letter.objects.filter(pk__in=list(old[:500])).delete()


def claim(key: int) -> Delivery | None:
    """Takes a delivery whose time has come and that nobody has; None where there is no such one (any more)."""
    taken = _due().filter(pk=key).update(attempts=F("attempts") + 1, lease_until=Now() + LEASE)
    return Delivery.objects.select_related("letter").get(pk=key) if taken else None


def posting_of(letter: Letter) -> Posting:
    """The notice as it leaves us."""
    return Posting(
        id=str(letter.pk),
        kind=letter.kind,
        severity=Severity(letter.severity),
        at=letter.at,
        subject=letter.subject,
        text=letter.text,
        link=settings.CONSOLE_URL + letter.path if settings.CONSOLE_URL and letter.path else "",
        data={"organization": letter.organization, **letter.data},
    )


def _due() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=Delivery.State.WAITING, next_at__lte=Now(), lease_until__lte=Now())


def _attempt(delivery: Delivery) -> bool:
    """Sends what was claimed, and writes down what came of it. Returns whether it went."""
    began = time.monotonic()
    to, result = _send(delivery)
    took = int((time.monotonic() - began) * 1000)
    _settle(delivery, to, result, took)
    return result.went


def _send(delivery: Delivery) -> tuple[str, Result]:
    """To whom it was sent, masked, and what came of it."""
    channel = Channel.objects.filter(slug=delivery.channel).first()
    if channel is None:
        return delivery.channel, Result(went=False, detail="The channel has left the inventory.", final=True)
    if channel.kind == MAIL and not delivery.to:
        return delivery.channel, Result(went=False, detail=NOBODY, final=True)
    try:
        sender = sender_of(channel)
    except InventoryFault as fault:
        return delivery.channel, Result(went=False, detail=fault.message)
    try:
        return sender.masked(delivery.to), sender.send(posting_of(delivery.letter), delivery.to)
    except Exception as error:  # a sender of ours broke; the next attempt may find it mended
        logger.exception("the notice %s could not be sent by %s", delivery.letter_id, delivery.channel)
        return sender.masked(delivery.to), Result(
            went=False, detail=f"Our own software failed ({type(error).__name__})."
        )
    finally:
        sender.close()


def _settle(delivery: Delivery, to: str, result: Result, took_ms: int) -> None:
    """One transaction: the attempt, and what it means for the delivery; nothing where another owner has it by now."""
    wait = None if result.final else wait_after(delivery.attempts, random.random())  # noqa: S311 - no secret
    given_up = not result.went and wait is None
    with recorded():
        now = database_now()
        fields: dict[str, object] = {"lease_until": now}
        if result.went:
            fields |= {"state": Delivery.State.SENT, "settled_at": now}
        elif wait is None:
            fields |= {"state": Delivery.State.GIVEN_UP, "settled_at": now, "because": result.detail[:200]}
        else:
            fields |= {"next_at": now + wait}
        mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING, attempts=delivery.attempts)
        if not mine.update(**fields):
            return
        DeliveryAttempt.objects.create(
            delivery=delivery,
            number=delivery.attempts,
            at=now - timedelta(milliseconds=took_ms),
            to=to[:200],
            took_ms=took_ms,
            went=result.went,
            status=result.status[:10],
            detail=result.detail[:200],
        )
        if given_up:
            append(_given_up(delivery, to, result))


def _given_up(delivery: Delivery, to: str, result: Result) -> Entry:
    letter = delivery.letter
    return Entry(
        "notice.given-up",
        ENGINE,
        letter.organization,
        data={
            "notice": str(letter.pk),
            "kind": letter.kind,
            "channel": delivery.channel,
            "to": to,
            "attempts": delivery.attempts,
            "status": result.status,
            "detail": result.detail,
        },
    )
