"""What was told outside the console, as support reads it: each channel, and each delivery with its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from incidents.domain.people import Grant
from incidents.models import Channel, Delivery, DeliveryAttempt, Organization, Person
from incidents.models.clock import database_now
from incidents.selectors.doors import supported_by

HELPING: tuple[Grant, ...] = ("support_organization",)
# Deliveries of one page.
PAGE = 25
RECENT = timedelta(hours=24)
STATES = tuple(Delivery.State.values)


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """How one channel does.

    Args:
        sent_at: when it took something last; None where it has not in the last day.
        waiting: deliveries to come.
        given_up: of the last day.
    """

    name: str
    kind: str
    sent_at: datetime | None
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Try:
    at: datetime
    to: str
    took_ms: int
    went: bool
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One letter to one receiver.

    Args:
        organization: its title; empty where it concerns several or nobody in particular.
        to: masked, as the newest attempt knew it; empty before the first.
        next_at: of the next attempt, while it waits.
    """

    id: int
    at: datetime
    subject: str
    severity: str
    organization: str
    channel: str
    to: str
    state: str
    because: str
    next_at: datetime
    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """
    Args:
        older: id before which the next page begins; 0 on the last one.
    """

    channels: tuple[ChannelLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    older: int


def read_told(person: Person, state: str = "", before: int = 0) -> Told:
    """What this person may read, the newest first. Seven queries at most.

    Letters that concern several organizations, or the platform, and channels are for those only who support everybody.

    Args:
        state: a word of `STATES`, or nothing for all.
        before: an id of a delivery; 0 for the newest.
    """
    titles = dict(supported_by(person, *HELPING).values_list("slug", "title"))
    everything = not Organization.objects.exclude(slug__in=titles).exists()
    rows = Delivery.objects.filter(letter__organization__in=[*titles, *([""] if everything else [])])
    if before:
        rows = rows.filter(pk__lt=before)
    if state:
        rows = rows.filter(state=state)
    page = list(rows.select_related("letter").prefetch_related("tries").order_by("-pk")[: PAGE + 1])
    older = page[PAGE - 1].pk if len(page) > PAGE else 0
    channels = _channels() if everything else ()
    return Told(channels, tuple(_line(row, titles) for row in page[:PAGE]), older)


def _channels() -> tuple[ChannelLine, ...]:
    """Two queries, over what is recent or waits."""
    since = database_now() - RECENT
    rows = Delivery.objects.filter(Q(state=Delivery.State.WAITING) | Q(settled_at__gte=since)).order_by()
    found = rows.values("channel").annotate(
        sent=Max("settled_at", filter=Q(state=Delivery.State.SENT)),
        waiting=Count("pk", filter=Q(state=Delivery.State.WAITING)),
        given_up=Count("pk", filter=Q(state=Delivery.State.GIVEN_UP)),
    )
    counts = {row["channel"]: (row["sent"], row["waiting"], row["given_up"]) for row in found}
    return tuple(
        ChannelLine(name, kind, *counts.get(name, (None, 0, 0)))
        for name, kind in Channel.objects.values_list("slug", "kind")
    )


def _line(row: Delivery, titles: dict[str, str]) -> DeliveryLine:
    tries = tuple(_try(one) for one in row.tries.all())
    return DeliveryLine(
        id=row.pk,
        at=row.letter.at,
        subject=row.letter.subject,
        severity=row.letter.severity,
        organization=titles.get(row.letter.organization, ""),
        channel=row.channel,
        to=tries[-1].to if tries else "",
        state=row.state,
        because=row.because,
        next_at=row.next_at,
        tries=tries,
    )


def _try(row: DeliveryAttempt) -> Try:
    return Try(row.at, row.to, row.took_ms, row.went, row.status, row.detail)
