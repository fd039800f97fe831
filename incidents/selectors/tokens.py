"""The tokens of a person, for their own page."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from incidents.models import ApiToken, Person


def open_tokens(person: Person, now: datetime) -> QuerySet[ApiToken]:
    """Those that are good still, the newest first, with their organizations."""
    rows = ApiToken.objects.filter(person=person, revoked_at=None, expires_at__gt=now)
    return rows.select_related("organization")
