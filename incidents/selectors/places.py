"""The locations of an organization's resources, by the names that people read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.models import Binding, Organization


@dataclass(frozen=True, slots=True)
class Places:
    """Slug -> title, in the order in which locations are visited; and how many locations each resource has."""

    titles: Mapping[str, str]
    count: Mapping[uuid.UUID, int]

    def names(self, slugs: Sequence[str] | None) -> tuple[str, ...]:
        """Titles in the order of visiting; a location that has left the inventory keeps its slug."""
        given = set(slugs or ())
        return tuple(title for slug, title in self.titles.items() if slug in given) + tuple(
            sorted(given - self.titles.keys())
        )


def read_places(organization: Organization) -> Places:
    """One query."""
    rows = (
        Binding.objects.filter(resource__organization=organization)
        .order_by("location__position")
        .values_list("resource_id", "location__slug", "location__title")
    )
    titles: dict[str, str] = {}
    seen: dict[uuid.UUID, set[str]] = {}
    for resource, slug, title in rows:
        titles[slug] = title
        seen.setdefault(resource, set()).add(slug)
    return Places(titles, {resource: len(slugs) for resource, slugs in seen.items()})
