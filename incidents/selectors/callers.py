"""Who of a customer may agree that somebody acts for them, to what, and who has agreed to what so far."""

from __future__ import annotations

import uuid

from incidents.actions.catalogue import CATALOGUE
from incidents.engine.grants import holders_of
from incidents.models import CallerConsent, ConsentedAction, Organization, Person, Preapproval

# As many as somebody reads who wants to know what happened lately.
NEWEST = 10


def read_callers(organization: Organization) -> list[Person]:
    """Everybody who may act for the organization themselves, by title. One query."""
    return list(holders_of(organization, "act_for_organization"))


def approved_actions(organization: Organization) -> list[str]:
    """What may be run for the organization at all, in the order of the catalogue. One query."""
    rows = Preapproval.objects.filter(organization=organization).exclude(digest="")
    names = set(rows.values_list("action", flat=True))
    return [name for name in CATALOGUE if name in names]


def read_consents(organization: Organization) -> list[CallerConsent]:
    """The newest consents of an organization, with what each allowed. Two queries."""
    rows = CallerConsent.objects.filter(organization=organization).select_related("staff", "ended_by")
    return list(rows.prefetch_related("allowed").order_by("-began_at")[:NEWEST])


def find_consent(organization: Organization, pk: uuid.UUID) -> CallerConsent | None:
    """The consent, when it is one of this organization."""
    rows = CallerConsent.objects.filter(pk=pk, organization=organization)
    return rows.select_related("organization", "staff").first()


def allows(consent: uuid.UUID | None, action: str) -> bool:
    """Whether the consent names this action; no consent names any. One query where there is one."""
    return consent is not None and ConsentedAction.objects.filter(consent=consent, action=action).exists()
