"""Routes and channels as the inventory writes them, and what has been written for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from incidents.domain.canonical import JsonObject
from incidents.domain.notices import About
from incidents.engine.telling import begin_here
from incidents.models import Channel, Delivery, DeliveryAttempt, Letter, NoticeRoute

SHOP = ("example-shop",)


def make_channel(slug: str = "night", kind: str = "mail", **settings: object) -> Channel:
    given: JsonObject = settings or {"to": ["noc@example.org"]}  # type: ignore[assignment]
    return Channel.objects.create(slug=slug, kind=kind, settings=given)


def make_route(
    slug: str = "shop-night",
    organizations: Sequence[str] = SHOP,
    *,
    kinds: Sequence[str] = tuple(About),
    severity: str = "note",
    channels: Sequence[str] = ("night",),
    platform: bool = False,
) -> NoticeRoute:
    """Everything that happens from now on is told."""
    route = NoticeRoute.objects.create(
        slug=slug,
        organizations=list(organizations),
        kinds=list(kinds),
        severity=severity,
        channels=list(channels),
        platform=platform,
    )
    begin_here()
    return route


def subjects() -> list[str]:
    """Of every letter, the oldest first."""
    return list(Letter.objects.order_by("at", "subject").values_list("subject", flat=True))


def later(seconds: float) -> None:
    """What was told and tried until now was so much earlier."""
    Letter.objects.update(at=F("at") - timedelta(seconds=seconds))
    Delivery.objects.update(next_at=F("next_at") - timedelta(seconds=seconds))


def write_delivery(subject: str, organization: str = "example-shop", state: str = "sent", tries: int = 1) -> Delivery:
    """A letter, its delivery by mail, and so many attempts, the last of which went where it was sent."""
    now = timezone.now()
    letter = Letter.objects.create(
        key=subject, at=now, kind="run-failed", severity="urgent", organization=organization, subject=subject
    )
    row = Delivery.objects.create(
        letter=letter, channel="night", to="noc@example.org", state=state, next_at=now, lease_until=now, settled_at=now
    )
    for number in range(1, tries + 1):
        DeliveryAttempt.objects.create(
            delivery=row,
            number=number,
            at=now - timedelta(seconds=60 - number),
            to="n…@example.org",
            took_ms=31,
            went=number == tries and state == "sent",
            status="250" if number == tries and state == "sent" else "",
            detail="" if number == tries and state == "sent" else "the mail server took too long",
        )
    return row
