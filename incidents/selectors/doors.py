"""Finds an organization or a run together with what a person may do there: one query, asked anew each time.

The conditions are those of `incidents.engine.grants`, asked here inside the query that fetches, because a page that is
polled by hundreds of people pays for every further one.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import OuterRef, Q, QuerySet, Subquery

from incidents.domain.people import Grant
from incidents.engine.grants import consents_of, on_organization
from incidents.models import (
    Approval,
    Incident,
    Organization,
    Person,
    Resource,
    Review,
    Run,
)
from incidents.models.runs import FIRST_INCIDENT

Row = TypeVar("Row")
INCIDENT = re.compile(r"INC-([1-9]\d{3,9})")
# What every page needs to know of whoever looks at it.
ON_EVERY_PAGE: tuple[Grant, ...] = (
    "see_organization",
    "act_for_organization",
    "support_organization",
    "engineer_organization",
    "manage_people",
)


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """A row, and what the person may do with it.

    Args:
        grants: which of those that were asked about they hold on its organization.
        consent: id of the caller's consent by which they may act for that organization; None without one.
    """

    row: Row
    grants: frozenset[Grant]
    consent: uuid.UUID | None = None

    @property
    def may_see(self) -> bool:
        return "see_organization" in self.grants

    @property
    def may_act(self) -> bool:
        """By a right of their own."""
        return "act_for_organization" in self.grants

    @property
    def may_press(self) -> bool:
        """Whether some button is theirs; the services decide which."""
        return self.may_act or self.consent is not None

    @property
    def is_guest(self) -> bool:
        """Somebody of the operator, who sees what the customer sees."""
        return not self.may_act and bool(self.grants & {"support_organization", "engineer_organization"})

    @property
    def is_owner_or_support(self) -> bool:
        return bool(self.grants & {"manage_people", "support_organization"})


def find_organization(person: Person, slug: str, *more: Grant) -> Found[Organization] | None:
    """The organization of that name, with the grants of `ON_EVERY_PAGE` and `more`."""
    asked = (*ON_EVERY_PAGE, *more)
    found = Organization.objects.filter(slug=slug).annotate(**_rights(person, "pk", asked)).first()
    return _found(found, asked) if found else None


def find_run(person: Person, reference: str) -> Found[Run] | None:
    """The run of that reference, with its organization, incident and who started it."""
    return _found_run(person, Run.objects.filter(reference=reference))


def find_run_by_id(person: Person, run_id: str) -> Found[Run] | None:
    """The run of that id, as an entry of the audit log names it."""
    try:
        return _found_run(person, Run.objects.filter(pk=uuid.UUID(run_id)))
    except ValueError:
        return None


def _found_run(person: Person, rows: QuerySet[Run]) -> Found[Run] | None:
    found = (
        rows.select_related("organization", "incident", "started_by", "stop_asked_by", "undo_of")
        .annotate(**_rights(person, "organization_id", ON_EVERY_PAGE))
        .first()
    )
    return _found(found, ON_EVERY_PAGE) if found else None


def find_incident(person: Person, reference: str) -> Found[Incident] | None:
    """The incident of that reference, with its organization and who declared and closed it."""
    named = INCIDENT.fullmatch(reference)
    if named is None:
        return None
    rows = Incident.objects.filter(pk=int(named[1]) - FIRST_INCIDENT)
    found = (
        rows.select_related("organization", "declared_by", "closed_by")
        .annotate(**_rights(person, "organization_id", ON_EVERY_PAGE))
        .first()
    )
    return _found(found, ON_EVERY_PAGE) if found else None


def supported_by(person: Person, *grants: Grant) -> QuerySet[Organization]:
    """Every organization on which the person holds one of these grants; none for none."""
    held = Q(pk__in=())
    for grant in grants:
        held |= on_organization(person.pk, grant, OuterRef("pk"))
    return Organization.objects.filter(held)


def organizations_of(person: Person) -> QuerySet[Organization]:
    """Every organization that the person may see."""
    return Organization.objects.filter(on_organization(person.pk, "see_organization", OuterRef("pk")))


def find_resources(organization: Organization, ids: frozenset[uuid.UUID]) -> list[Resource]:
    """Those of these resources that the organization has, in the order of its pages."""
    return list(Resource.objects.filter(organization=organization, pk__in=ids))


def _rights(person: Person, organization: str, asked: tuple[Grant, ...]) -> dict[str, Any]:
    """Annotations that say what the person may do; `organization` names the column of the outer query."""
    consents = consents_of(person).filter(organization=OuterRef(organization))
    held: dict[str, Any] = {grant: on_organization(person.pk, grant, OuterRef(organization)) for grant in asked}
    return held | {"acting_by": Subquery(consents.values("pk")[:1])}


def _found(row: Any, asked: tuple[Grant, ...]) -> Found[Any]:
    return Found(row, frozenset(grant for grant in asked if getattr(row, grant)), row.acting_by)


def find_approval(person: Person, approval_id: uuid.UUID) -> Found[Approval] | None:
    """The approval of that id, with its plan, its preapproval and both people."""
    rows = Approval.objects.filter(pk=approval_id)
    found = (
        rows.select_related("organization", "asked_by", "decided_by", "plan__preapproval", "plan__undo_of", "plan__run")
        .annotate(**_rights(person, "organization_id", ON_EVERY_PAGE))
        .first()
    )
    return _found(found, ON_EVERY_PAGE) if found else None


def find_review(person: Person, review_id: int) -> Review | None:
    """The review of that id, where the person reviews its organization."""
    reviewed = on_organization(person.pk, "review_organization", OuterRef("run__organization_id"))
    rows = Review.objects.filter(reviewed, pk=review_id)
    return rows.select_related("run__organization", "run__started_by", "run__plan", "done_by").first()
