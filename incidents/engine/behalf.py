"""On whose behalf something is done: what every audit entry of a run under a caller's consent carries."""

from __future__ import annotations

from incidents.domain.canonical import JsonObject
from incidents.models import CallerConsent, Plan


def on_behalf(plan: Plan) -> JsonObject:
    """`{"on_behalf": ...}` for a plan that leans on a caller's consent; nothing for any other."""
    return {} if plan.consent is None else told(plan.consent, plan.consent.organization.slug)


def told(consent: CallerConsent, organization: str) -> JsonObject:
    """The same for the consent itself; the actor of the entry is the member of staff, so both names are in it."""
    return {"on_behalf": {"organization": organization, "consent": str(consent.pk), "caller": consent.caller}}
