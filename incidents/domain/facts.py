"""What is known of resources when a plan is made: every binding as it is now, and as it was proven good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.domain.canonical import JsonObject
from incidents.domain.changes import Change, State, labelled
from incidents.domain.rpki import Validity


@dataclass(frozen=True, slots=True)
class Good:
    """A known-good state and its papers: when it was first and last proven, and by which probes."""

    state: State
    proven_at: datetime
    proven_until: datetime
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """One binding of a resource.

    Args:
        id: of the binding.
        location, location_title: slug, and the name that people read.
        backend: slug.
        now: what was observed just now; None when the backend did not tell.
        silence: why it did not tell, for people; empty when it did.
        good: what was proven good; None when nothing ever was.
        away: whether it is as a run has left it that moved it for a while only.
        then: whether `good` is what had been proven by a chosen moment, and not the newest.
        unreadable: whether its backend has answered, and this alone could not be read; `silence` says why.
        damaged: whether what was kept last of its being good is no longer as it was written; `good` is then the newest
            older one that is.
    """

    id: str
    location: str
    location_title: str
    backend: str
    aspect: str
    key: str
    now: State | None
    silence: str
    good: Good | None
    away: bool = False
    then: bool = False
    unreadable: bool = False
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """One resource with all its bindings, in the order in which locations are visited.

    `validity` is what the RPKI says of the prefix and the origin of its known-good route; None where nobody was asked.
    `heard` are the AS numbers that collectors hear announcing it now.
    """

    id: str
    kind: str
    name: str
    settings: JsonObject
    bindings: tuple[BindingFacts, ...]
    validity: Validity | None = None
    heard: frozenset[int] = frozenset()


def change_of(resource: ResourceFacts, side: BindingFacts, before: State, after: State) -> Change:
    """The change of one side, with states as a plan keeps them."""
    return Change(
        resource=resource.id,
        name=resource.name,
        location=side.location,
        backend=side.backend,
        binding=side.id,
        aspect=side.aspect,
        key=side.key,
        before=labelled(before),
        after=labelled(after),
    )
