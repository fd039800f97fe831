"""Callers' consents whose time is over: ended openly, so that pages and the audit log say so."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from incidents.audit.log import ENGINE, Entry, append, recorded
from incidents.engine.behalf import told
from incidents.engine.news import show_news_to
from incidents.models import CallerConsent, Organization


def end_over(now: datetime) -> int:
    """Ends every consent whose time has come. Returns how many. One query where there is none.

    The guards do not wait for this: they compare the time themselves.
    """
    due = CallerConsent.objects.filter(ended_at=None, expires_at__lte=now)
    if not due.exists():
        return 0
    with recorded():
        rows = list(due.select_related("organization", "staff"))
        because = CallerConsent.Because.OVER
        CallerConsent.objects.filter(pk__in=[row.pk for row in rows], ended_at=None).update(
            ended_at=F("expires_at"), ended_because=because
        )
        show_news_to(Organization.objects.filter(consents__in=rows))
        append(*[_entry(row) for row in rows])
    return len(rows)


def _entry(row: CallerConsent) -> Entry:
    slug = row.organization.slug
    data = {"because": str(CallerConsent.Because.OVER), "staff": row.staff.username, **told(row, slug)}
    return Entry("consent.ended", ENGINE, slug, data=data)
