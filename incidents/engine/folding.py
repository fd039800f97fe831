"""Makes one notice of many: when more wait for one person than anybody reads, or as many were sent lately."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from incidents.domain.notices import TEST, Severity
from incidents.domain.wording import LISTED, together
from incidents.engine.notice_channels import WEBHOOK
from incidents.models import Channel, Delivery, Letter
from incidents.models.clock import database_now

# So many to one receiver within LATELY are sent one by one; of what follows one notice is made each PAUSE.
SINGLY, LATELY, PAUSE = 10, timedelta(minutes=5), timedelta(minutes=1)
STATE = Delivery.State


def fold(channel: str) -> list[int]:
    """Folds what waits for the first time, where that is too much, and says which of it is held back for now."""
    # A program reads them all, and each has data of its own.
    if Channel.objects.filter(slug=channel, kind=WEBHOOK).exists():
        return []
    now = database_now()
    waiting = Delivery.objects.filter(channel=channel, state=STATE.WAITING, attempts=0, next_at__lte=now)
    groups: dict[str, list[Delivery]] = defaultdict(list)
    for row in waiting.select_related("letter").order_by("pk"):
        groups[row.to].append(row)
    held: list[int] = []
    for to, rows in groups.items():
        lately = Delivery.objects.filter(channel=channel, to=to, state=STATE.SENT, settled_at__gte=now - LATELY)
        is_storm = lately.count() >= SINGLY
        if is_storm and rows[0].letter.at > now - PAUSE:
            held += [row.pk for row in rows]
        elif len(rows) > (1 if is_storm else SINGLY):
            _make_one(channel, to, rows, now)
    return held


def _make_one(channel: str, to: str, rows: Sequence[Delivery], now: datetime) -> None:
    """In one transaction; nothing where another process has begun to send, or to fold, any of them."""
    keys = [row.pk for row in rows]
    with transaction.atomic(durable=True):
        mine = Delivery.objects.filter(pk__in=keys, state=STATE.WAITING, attempts=0)
        if mine.update(state=STATE.FOLDED, settled_at=now) != len(keys):
            transaction.set_rollback(True)
            return
        letter = _letter(channel, to, [row.letter for row in rows], now)
        letter.save(force_insert=True)
        Delivery.objects.create(letter=letter, channel=channel, to=to, next_at=now, lease_until=now)


def _letter(channel: str, to: str, letters: Sequence[Letter], now: datetime) -> Letter:
    organizations = {one.organization for one in letters}
    said = hashlib.sha256("|".join([channel, to, *(str(one.pk) for one in letters)]).encode()).hexdigest()
    lines = [f"- {one.subject}" for one in letters[:LISTED]]
    rest = len(letters) - LISTED
    counts = Counter(one.kind for one in letters if one.kind != TEST)
    return Letter(
        key=f"together {said}",
        at=now,
        kind=counts.most_common(1)[0][0],
        severity=max((Severity(one.severity) for one in letters), key=list(Severity).index),
        organization=organizations.pop() if len(organizations) == 1 else "",
        subject=together(counts),
        text="\n".join([*lines, f"- and {rest:,} more"] if rest > 0 else lines),
        path=letters[0].path if len({one.path for one in letters}) == 1 else "/",
        data={"notices": [str(one.pk) for one in letters[:LISTED]], "notices_count": len(letters)},
    )
