"""The search box of the support desk: a customer, an address, a run, an incident or a person.

Only among the organizations that whoever asks supports; of others not even that they are there.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.db.models import Q, QuerySet

from incidents.domain.kinds import Kind
from incidents.models import Incident, Organization, Person, Resource, Run
from incidents.models.runs import FIRST_INCIDENT
from incidents.selectors.doors import supported_by

# Of each kind; whoever gets more writes another letter.
MOST = 10
SHORTEST = 2
INCIDENT = re.compile(r"(?:inc-?)?(\d{1,9})", re.IGNORECASE)
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: what it is, how it is called, and whose it is. `key` leads to its page."""

    kind: Literal["customer", "resource", "run", "incident", "person"]
    text: str
    slug: str
    organization: str
    key: uuid.UUID | str = ""


def search(person: Person, words: str) -> tuple[Hit, ...]:
    """What fits these words. At most seven queries."""
    words = words.strip()
    if len(words) < SHORTEST:
        return ()
    mine = supported_by(person, "support_organization")
    return (
        *_customers(mine, words),
        *_resources(mine, words),
        *_runs(mine, words),
        *_incidents(mine, words),
        *_people(mine, words),
    )


def _customers(mine: QuerySet[Organization], words: str) -> Iterator[Hit]:
    for row in mine.filter(Q(title__icontains=words) | Q(slug__icontains=words))[:MOST]:
        yield Hit("customer", row.title, row.slug, row.title)


def _resources(mine: QuerySet[Organization], words: str) -> Iterator[Hit]:
    theirs = Resource.objects.filter(organization__in=mine.values("pk"))
    fits = Q(name__icontains=words) | Q(title__icontains=words)
    if (network := _network(words)) is not None:
        fits |= Q(pk__in=_round(theirs, network))
    for row in theirs.filter(fits).select_related("organization")[:MOST]:
        yield Hit("resource", f"{row.name} {row.title}".strip(), row.organization.slug, row.organization.title, row.pk)


def _network(words: str) -> Network | None:
    """The address, or the range, that was written; None where it is none."""
    try:
        return ipaddress.ip_network(words, strict=False)
    except ValueError:
        return None


def _round(theirs: QuerySet[Resource], network: Network) -> list[uuid.UUID]:
    """The prefixes that this address lies in."""
    names = theirs.filter(kind=Kind.PREFIX).order_by().values_list("pk", "name")
    return [pk for pk, name in names.iterator() if _lies_in(network, name)][:MOST]


def _lies_in(network: Network, name: str) -> bool:
    prefix = _network(name)
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(prefix, ipaddress.IPv4Network) and network.subnet_of(prefix)
    return isinstance(prefix, ipaddress.IPv6Network) and network.subnet_of(prefix)


def _runs(mine: QuerySet[Organization], words: str) -> Iterator[Hit]:
    rows = Run.objects.filter(organization__in=mine.values("pk"), reference__icontains=words)
    columns = ("reference", "organization__slug", "organization__title")
    for reference, slug, title in rows.values_list(*columns)[:MOST]:
        yield Hit("run", reference, slug, title, reference)


def _incidents(mine: QuerySet[Organization], words: str) -> Iterator[Hit]:
    found = INCIDENT.fullmatch(words)
    if found is None:
        return
    rows = Incident.objects.filter(organization__in=mine.values("pk"), pk=int(found[1]) - FIRST_INCIDENT)
    for row in rows.select_related("organization"):
        yield Hit("incident", row.reference, row.organization.slug, row.organization.title)


def _people(mine: QuerySet[Organization], words: str) -> Iterator[Hit]:
    """People of customers, by the groups that say so; never the operator's own."""
    found = Person.objects.filter(Q(title__icontains=words) | Q(username__icontains=words), is_active=True)
    names = found.exclude(groups=None).values_list("title", "groups__name").order_by("title")
    whose = {(title, group.rpartition("/")[0]) for title, group in names[: MOST * 10]}
    theirs = {row.slug: row for row in mine.filter(slug__in={slug for _, slug in whose})}
    for title, slug in sorted(whose):
        if slug in theirs:
            yield Hit("person", title, slug, theirs[slug].title)
