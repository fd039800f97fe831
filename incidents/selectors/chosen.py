"""Which bindings a command is about, by names of the inventory. No name means all; a wrong one is a fault."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from incidents.models import Binding, Location, Organization, Resource

ORDER = ("resource__organization__slug", "resource__position", "resource__name", "location__position", "aspect")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Slugs of an organization and of a location, and the name of a resource; empty for all."""

    organization: str = ""
    resource: str = ""
    location: str = ""

    def fault(self) -> str:
        """What there is not, in a sentence; empty when all that is named is there."""
        if self.organization and not Organization.objects.filter(slug=self.organization).exists():
            return f"There is no organization {self.organization}."
        if self.location and not Location.objects.filter(slug=self.location).exists():
            return f"There is no location {self.location}."
        if self.resource and not Resource.objects.filter(name=self.resource).exists():
            return f"There is no resource {self.resource}."
        return ""

    def bindings(self) -> QuerySet[Binding]:
        """In the order of the pages."""
        found = Binding.objects.order_by(*ORDER)
        if self.organization:
            found = found.filter(resource__organization__slug=self.organization)
        if self.resource:
            found = found.filter(resource__name=self.resource)
        return found.filter(location__slug=self.location) if self.location else found
