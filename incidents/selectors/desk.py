"""What the support desk shows: who needs help now and since when, across the organizations that a person supports.

A fixed number of queries, whatever the number of organizations.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery, Sum

from incidents.domain.diagnosis import Damage
from incidents.domain.kinds import Kind
from incidents.domain.people import PLATFORM_ROLES, Grant
from incidents.models import (
    Binding,
    Diagnosis,
    Incident,
    Location,
    Organization,
    OrganizationGroupObjectPermission,
    Person,
    Plan,
    Resource,
)
from incidents.selectors.acting import Acting, read_acting
from incidents.selectors.doors import supported_by
from incidents.selectors.home import DIAGNOSIS, Card, Row, card_of
from incidents.selectors.last_steps import Step, last_steps
from incidents.selectors.places import Places
from incidents.selectors.queue import Queued, read_places

# Where each of the operator's people works.
DESKS: tuple[tuple[Grant, str], ...] = (
    ("support_organization", "desk"),
    ("engineer_organization", "desk-queue"),
    ("review_organization", "reviews"),
)
# What nobody has ever seen working asks for no help; that measuring has stopped is told for everybody at once.
NO_CALL = (Damage.HEALTHY, Damage.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Customer:
    """One organization that needs help.

    Args:
        cards: what is broken, the oldest first; as on the home page, but without what this person could press.
        total, kinds: of everything that is watched for it.
        last: the last that its people, or somebody for them, did here; None when nobody ever did.
        queued: the entry in the engineers' queue that has waited longest; None when there is none.
        acting: who acts for it by a caller's consent.
        incident: reference of its open incident; empty when there is none.
    """

    slug: str
    title: str
    cards: tuple[Card, ...]
    total: int
    kinds: frozenset[Kind]
    last: Step | None
    queued: Queued | None
    acting: tuple[Acting, ...]
    incident: str
    old: bool = False

    @property
    def since(self) -> datetime | None:
        return self.cards[0].since

    @property
    def whose(self) -> tuple[str, str]:
        return ("their", "them")


def desk_of(person: Person) -> str:
    """The name of the page that a person of the operator works at; empty for everybody else. One query to three."""
    for grant, page in DESKS:
        if supported_by(person, grant).exists():
            return page
    return ""


def read_version(person: Person) -> str:
    """Names what the desk shows: turns with every change, opened preview and sign-in. Three queries."""
    mine = supported_by(person, "support_organization")
    pages = mine.aggregate(versions=Sum("version"))["versions"]
    newest = Plan.objects.filter(organization=OuterRef("pk")).order_by("-proposed_at").values("proposed_at")[:1]
    preview = mine.annotate(newest=Subquery(newest)).aggregate(at=Max("newest"))["at"]
    sign_in = _theirs(mine).aggregate(at=Max("last_login"))["at"]
    return "-".join(str(int(part.timestamp() * 1000)) if part else "0" for part in (preview, sign_in)) + f"-{pages}"


def _theirs(organizations: QuerySet[Organization]) -> QuerySet[Person]:
    """The people of these organizations: whoever is in a group that holds something on one of them, but not ours."""
    held = OrganizationGroupObjectPermission.objects.filter(content_object__in=organizations.values("pk"))
    return Person.objects.filter(groups__in=held.values("group")).exclude(groups__name__in=list(PLATFORM_ROLES))


def read_customers(person: Person, now: datetime) -> tuple[Customer, ...]:
    """Those who need help, the longest waiting first. Eleven queries; one when nobody does."""
    organizations = list(_in_need(supported_by(person, "support_organization")))
    if not organizations:
        return ()
    rows = _cards(organizations)
    counts = _counts(organizations)
    steps = last_steps(organizations)
    places = read_places({card.id for cards in rows.values() for card in cards})
    acting: dict[str, list[Acting]] = defaultdict(list)
    for one in read_acting(organizations, now):
        acting[one.organization].append(one)
    incidents = {row.organization_id: row.reference for row in Incident.objects.filter(closed_at=None)}
    customers = [
        Customer(
            slug=row.slug,
            title=row.title,
            cards=tuple(rows[row.pk]),
            total=sum(counts[row.pk].values()),
            kinds=frozenset(counts[row.pk]),
            last=steps.get(row.pk),
            queued=_first(rows[row.pk], places),
            acting=tuple(acting[row.slug]),
            incident=incidents.get(row.pk, ""),
        )
        for row in organizations
        # Healed between two queries.
        if rows[row.pk]
    ]
    return tuple(sorted(customers, key=lambda one: one.since or now))


def _in_need(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    broken = Diagnosis.objects.filter(resource__organization=OuterRef("pk"), until=None).exclude(damage__in=NO_CALL)
    return organizations.filter(Exists(broken))


def _cards(organizations: list[Organization]) -> Mapping[uuid.UUID, list[Card]]:
    """By organization: what is broken, the oldest first. Three queries."""
    titles = dict(Location.objects.values_list("slug", "title"))
    broken = Diagnosis.objects.filter(resource__organization__in=organizations, until=None).exclude(damage__in=NO_CALL)
    bound = Binding.objects.filter(resource__in=broken.values("resource")).order_by().values("resource")
    places = Places(
        titles, dict(bound.annotate(count=Count("location", distinct=True)).values_list("resource", "count"))
    )
    whose = [f"resource__{name}" for name in ("organization_id", "pk", "kind", "name", "title")]
    cards: dict[uuid.UUID, list[Card]] = defaultdict(list)
    for organization, *values in broken.order_by("since", "resource__position").values_list(*whose, *DIAGNOSIS):
        cards[organization].append(card_of(Row(*values), places))
    return cards


def _counts(organizations: list[Organization]) -> Mapping[uuid.UUID, dict[Kind, int]]:
    rows = Resource.objects.filter(organization__in=organizations).order_by().values("organization_id", "kind")
    counts: dict[uuid.UUID, dict[Kind, int]] = defaultdict(dict)
    for row in rows.annotate(count=Count("pk")):
        counts[row["organization_id"]][Kind(row["kind"])] = row["count"]
    return counts


def _first(cards: list[Card], places: Mapping[uuid.UUID, Queued]) -> Queued | None:
    waiting = [places[card.id] for card in cards if card.id in places]
    return min(waiting, key=lambda one: one.position, default=None)
