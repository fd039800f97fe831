"""Tells the pages of an organization that there is something new to show."""

from __future__ import annotations

import uuid

from django.db.models import F, QuerySet

from incidents.models import Organization


def show_news(organization: uuid.UUID) -> None:
    """A page that is polled asks again when this number has grown. In the caller's transaction."""
    show_news_to(Organization.objects.filter(pk=organization))


def show_news_to(organizations: QuerySet[Organization]) -> None:
    """The same for the pages of several."""
    organizations.update(version=F("version") + 1)
