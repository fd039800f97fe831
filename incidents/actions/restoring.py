"""What actions that put back a known-good state have in common: the change, and what may speak against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from incidents.domain.facts import BindingFacts, ResourceFacts
from incidents.domain.findings import Finding, Severity, blocker
from incidents.domain.terms import Terms


def not_proven(resource: ResourceFacts, side: BindingFacts, terms: Terms, now: datetime) -> Iterator[Finding]:
    """Blockers: nothing was ever proven here, or too long ago, or all that was kept of it is damaged."""
    if side.good is None and side.damaged:
        text = (
            f"What we kept of {resource.name} working in {side.location_title} is damaged, and we have nothing older. "
            "Call us."
        )
        yield blocker("guard.no-snapshot", text, resource.name)
    elif side.good is None:
        text = f"We have never seen {resource.name} working in {side.location_title}."
        if side.then:
            text = f"We had not seen {resource.name} working in {side.location_title} by then."
        yield blocker("guard.no-snapshot", text, resource.name)
    elif now - side.good.proven_until > terms.snapshot_age:
        yield blocker(
            "guard.snapshot-age",
            f"{resource.name} was last seen working in {side.location_title} on "
            f"{side.good.proven_until:%d %B %Y}, which is too long ago.",
            resource.name,
        )


def lost(resource: ResourceFacts, terms: Terms, now: datetime) -> Iterator[Finding]:
    """Blockers for the sides of which all that was kept is damaged."""
    for side in resource.bindings:
        if side.damaged and side.good is None:
            yield from not_proven(resource, side, terms, now)


def older_than_damaged(resource: ResourceFacts, side: BindingFacts) -> Iterator[Finding]:
    """A warning where what was kept last is damaged, so that an older state is put back."""
    if side.damaged and side.good is not None:
        text = (
            f"What we kept last of {resource.name} working in {side.location_title} is damaged. It goes back to an "
            f"older state instead, which was last seen working on {side.good.proven_until:%d %B %Y at %H:%M} UTC."
        )
        yield Finding("guard.snapshot-damaged", Severity.WARNING, text, resource.name)


def silence(silent: Mapping[str, str], terms: Terms) -> Iterator[Finding]:
    """Locations that did not answer, with a sentence each: left out as far as the preapproval tolerates it."""
    severity = Severity.WARNING if len(silent) <= terms.tolerate else Severity.BLOCKER
    for location, text in sorted(silent.items()):
        left_out = " It is left out." if severity is Severity.WARNING else ""
        yield Finding("guard.unreachable-location", severity, text + left_out, location)


def says_nothing(side: BindingFacts) -> str:
    if side.unreadable:
        return f"What is in {side.location_title} cannot be read ({side.silence})."
    return f"{side.location_title} does not answer ({side.silence})."
