"""A caller's consent for tests, as somebody of the support writes it down on the phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from incidents.domain.people import Recognised
from incidents.models import CallerConsent, Organization, Person
from incidents.services.consents import Said, record
from tests.factories import ACTION

SAID = Said(
    caller="Kim of Example Shop",
    caller_person=None,
    recognised=Recognised.CALLED_BACK,
    recognised_by="the number in the contract",
    agreed="Advertise the shop again",
    actions=(ACTION,),
    lasts=timedelta(minutes=60),
)


def record_consent(staff: Person, organization: Organization, **fields: Any) -> CallerConsent:
    return record(staff, organization, replace(SAID, **fields))
