"""Which actions a person may run on which resources: preapprovals, read the other way round."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from incidents.domain.terms import Terms, read_terms
from incidents.engine.grants import consents_of, on_preapproval
from incidents.models import Diagnosis, Organization, Person, Preapproval, Resource, ResourceLock


@dataclass(frozen=True, slots=True)
class Remedies:
    """What is approved for the organization.

    Args:
        covering: by action and resource, the preapprovals that cover it, whoever may use them.
        usable: those of them that this person may use.
        terms: of every action, for how long it takes.
    """

    covering: Mapping[tuple[str, uuid.UUID], frozenset[int]]
    usable: frozenset[int]
    terms: Mapping[str, Terms]

    def may_run(self, action: str, resource: uuid.UUID) -> bool:
        return bool(self.covering.get((action, resource), frozenset()) & self.usable)

    def may_run_on_any(self, action: str, resources: Collection[uuid.UUID]) -> bool:
        return any(self.may_run(action, resource) for resource in resources)


def read_remedies(person: Person, organization: Organization, *, may_act: bool) -> Remedies:
    """Three queries. `propose` and `start` ask again; this only keeps useless buttons off the page."""
    approved = Preapproval.objects.filter(organization=organization).exclude(digest="")
    rows = list(approved)
    usable = approved.filter(_usable(person)).values_list("pk", flat=True) if may_act else ()
    links = Preapproval.resources.through.objects.filter(preapproval__in=rows)
    covering: dict[tuple[str, uuid.UUID], set[int]] = defaultdict(set)
    for preapproval, action, resource in links.values_list("preapproval", "preapproval__action", "resource"):
        covering[action, resource].add(preapproval)
    return Remedies(
        covering={key: frozenset(found) for key, found in covering.items()},
        usable=frozenset(usable),
        terms={row.action: read_terms(row.terms) for row in rows},
    )


def repairable(person: Person, organization: Organization, action: str) -> list[Resource]:
    """What is broken, can be repaired by this action, may be by this person, and is not being repaired already."""
    broken = Diagnosis.objects.filter(resource__organization=organization, until=None, repair=action)
    busy = ResourceLock.objects.filter(live=True).values("resource")
    mine = Preapproval.objects.filter(_usable(person), organization=organization, action=action)
    rows = Resource.objects.filter(
        organization=organization, pk__in=broken.values("resource"), preapprovals__in=mine
    ).exclude(pk__in=busy)
    return list(rows.distinct())


def everything(person: Person, organization: Organization, action: str) -> list[Resource]:
    """All that the largest preapproval covers by which this person may run the action; nothing where there is none."""
    mine = Preapproval.objects.filter(_usable(person), organization=organization, action=action).exclude(digest="")
    largest = mine.annotate(size=Count("resources")).order_by("-size", "slug").first()
    return list(largest.resources.all()) if largest else []


def may_run(person: Person, action: str, resource: Resource) -> bool:
    """Whether a preapproval lets this person run the action on the resource. One query."""
    return Preapproval.objects.filter(_usable(person), action=action, resources=resource).exclude(digest="").exists()


def _usable(person: Person) -> Q:
    """Preapprovals that the person may use: by a group, by name, or by a caller's consent to the action."""
    consents = consents_of(person).filter(organization=OuterRef("organization"), allowed__action=OuterRef("action"))
    return Q(Exists(consents)) | on_preapproval(person.pk, "use_preapproval", OuterRef("pk"))
