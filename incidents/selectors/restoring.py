"""What there is to choose from before everything is put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min

from incidents.domain.diagnosis import Damage
from incidents.engine.known_good import first_proven
from incidents.models import Diagnosis, Location, Organization, Person
from incidents.selectors.remedies import everything

LATELY = timedelta(days=1)
JUST_BEFORE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Choices:
    """
    Args:
        count: resources that this person may put back in one run.
        total: resources that there are.
        began: just before what went wrong in the last day, and still is, began; None when nothing did.
        first: the first moment of which anything is known to have worked; None where nothing is.
        locations: slug and title of each where any of it is.
    """

    count: int
    total: int
    began: datetime | None
    first: datetime | None
    locations: tuple[tuple[str, str], ...]


def read_choices(person: Person, organization: Organization, action: str, now: datetime) -> Choices:
    """Six queries."""
    resources = everything(person, organization, action)
    keys = [resource.pk for resource in resources]
    # What has been wrong for weeks is another story than what woke people up.
    wrong = Diagnosis.objects.filter(resource__in=keys, until=None, since__gte=now - LATELY).exclude(
        damage__in=(Damage.HEALTHY, Damage.UNKNOWN)
    )
    began = wrong.aggregate(at=Min("since"))["at"]
    places = Location.objects.filter(binding__resource__in=keys).distinct()
    return Choices(
        count=len(resources),
        total=organization.resources.count(),
        began=began - JUST_BEFORE if began else None,
        first=first_proven(resources),
        locations=tuple(places.values_list("slug", "title")),
    )
