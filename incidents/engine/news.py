"""Tells the pages of an organization that there is something new to show."""

from __future__ import annotations

import uuid

from django.db.models import F

from incidents.models import Organization


def show_news(organization: uuid.UUID) -> None:
    """A page that is polled asks again when this number has grown. In the caller's transaction."""
    Organization.objects.filter(pk=organization).update(version=F("version") + 1)
