"""The database's clock."""

from __future__ import annotations

from datetime import datetime

from django.db.models.functions import Now

from incidents.models.audit import AuditHead


def database_now() -> datetime:
    """The time by the clock that every process shares."""
    now: datetime = AuditHead.objects.values_list(Now(), flat=True).get(id=1)
    return now
