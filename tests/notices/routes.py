"""Routes and channels as the inventory writes them, and what has been written for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F

from incidents.domain.canonical import JsonObject
from incidents.domain.notices import About
from incidents.engine.telling import begin_here
from incidents.models import Channel, Delivery, Letter, NoticeRoute

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
