"""Writes notices of what has happened, each with its deliveries, for the routes that hear of it.

The audit log is the outbox: whatever is told stands in it since the transaction in which it happened, in one order and
without gaps, and `Telling.size` says how far it has been told. So nothing that happens is slowed by being told, and
nothing is forgotten: the notices, their deliveries and the new size are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from incidents.domain.notices import LONGEST_TEXT, About, Severity, at_least, one_line
from incidents.domain.runs import Phase
from incidents.engine.notice_channels import MAIL
from incidents.engine.telling_events import TOLD, News, key_of_pause, tell_entry, tell_paused
from incidents.engine.telling_resources import routes_with_news, tell_resources
from incidents.models import AuditEntry, AuditHead, Channel, Delivery, Letter, NoticeRoute, Person, Run, Telling
from incidents.models.clock import database_now

# Entries that one round looks at; the rest has its turn in the next.
MOST = 1_000
NOBODY = "Nobody in these groups has a mail address."


def tell_news() -> int:
    """Writes the notices of whatever is new. Returns how many. A few reads, and no write, where nothing is.

    Of two processes that do it at the same time one finds that the other has, and writes nothing.
    """
    routes = list(NoticeRoute.objects.all())
    if not routes:
        return 0
    told, size = _sizes()
    hearing = routes_with_news(routes)
    if size == told and not hearing and not _somebody_waits(routes):
        return 0
    until = min(size, told + MOST)
    with transaction.atomic(durable=True):
        # The row is ours from here to the end, also where the log has not grown.
        if not Telling.objects.filter(id=1, size=told).update(size=until):
            return 0
        now = database_now()
        paused = [tell_paused(run) for run in _paused().select_related("organization", "plan")]
        return _write([*_events(told, until), *paused, *tell_resources(hearing, now)], routes, now)


def begin_here() -> None:
    """What has happened until now is told to nobody: there was no route. In the caller's transaction."""
    size = AuditHead.objects.values_list("size", flat=True).get(id=1)
    Telling.objects.update_or_create(id=1, defaults={"size": size})


def _sizes() -> tuple[int, int]:
    row = Telling.objects.filter(id=1).first()
    if row is None:
        begin_here()
        row = Telling.objects.get(id=1)
    return row.size, AuditHead.objects.values_list("size", flat=True).get(id=1)


def _events(told: int, until: int) -> Iterable[News]:
    if until == told:
        return
    rows = AuditEntry.objects.filter(index__gte=told, index__lt=until, event__in=TOLD)
    for row in rows.order_by("index"):
        yield tell_entry(row)


def _paused() -> QuerySet[Run]:
    return Run.objects.filter(phase=Phase.PAUSED)


def _somebody_waits(routes: list[NoticeRoute]) -> bool:
    """Whether a run asks a person and no letter tells of it yet, where any route would hear of it."""
    if not any(About.WAITS in route.kinds for route in routes):
        return False
    keys = {key_of_pause(pk, stage) for pk, stage in _paused().values_list("pk", "stage")}
    return bool(keys) and Letter.objects.filter(key__in=keys).count() < len(keys)


def _write(found: list[News], routes: list[NoticeRoute], now: datetime) -> int:
    heard = [(news, channels) for news in found if (channels := _channels(news, routes))]
    known = set(Letter.objects.filter(key__in=[news.key for news, _ in heard]).values_list("key", flat=True))
    new = {news.key: (news, channels) for news, channels in heard if news.key not in known}
    if not new:
        return 0
    receivers = receivers_of({channel for _, channels in new.values() for channel in channels})
    deliveries = []
    for news, channels in new.values():
        letter = _letter(news, now)
        letter.save(force_insert=True)
        for channel in channels:
            deliveries += [_delivery(letter, channel, to, now) for to in receivers.get(channel, [""])]
    Delivery.objects.bulk_create(deliveries)
    return len(new)


def _channels(news: News, routes: list[NoticeRoute]) -> list[str]:
    hearing = [news.route] if news.route else [route for route in routes if hears(route, news)]
    return list(dict.fromkeys(channel for route in hearing for channel in route.channels))


def hears(route: NoticeRoute, news: News) -> bool:
    """Whether a route is told of it: by whom it concerns, by its kind, and by how urgent it is."""
    concerned = news.organization in route.organizations if news.organization else route.platform
    return concerned and news.about in route.kinds and at_least(news.severity, Severity(route.severity))


def receivers_of(channels: set[str]) -> dict[str, list[str]]:
    """Mail channels with the addresses of whoever is told now; an empty one where nobody has any."""
    found: dict[str, list[str]] = {}
    for channel in Channel.objects.filter(slug__in=channels, kind=MAIL):
        roles = channel.settings.get("roles", [])
        people = Person.objects.filter(groups__name__in=roles, is_active=True).exclude(mail="")
        addresses = [*channel.settings.get("to", []), *people.order_by("username").values_list("mail", flat=True)]
        found[channel.slug] = list(dict.fromkeys(addresses)) or [""]
    return found


def _letter(news: News, now: datetime) -> Letter:
    return Letter(
        key=news.key,
        at=now,
        kind=news.about,
        severity=news.severity,
        organization=news.organization,
        route=news.route.slug if news.route else "",
        subject=one_line(news.subject),
        text=news.text[:LONGEST_TEXT],
        path=news.path,
        data=news.data,
    )


def _delivery(letter: Letter, channel: str, to: str, now: datetime) -> Delivery:
    return Delivery(letter=letter, channel=channel, to=to, next_at=now, lease_until=now)
