"""What every action is: facts in, desired states and findings out, and the words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incidents.domain.canonical import JsonObject
from incidents.domain.changes import Change, State
from incidents.domain.findings import Finding
from incidents.domain.terms import Terms


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


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """One resource with all its bindings, in the order in which locations are visited."""

    id: str
    kind: str
    name: str
    settings: JsonObject
    bindings: tuple[BindingFacts, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the action would do: the changes (none where all is as it should be), and what speaks for and against."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an action for people; `{what}` stands for the resource or the number of them."""

    verb: str  # Re-advertise
    doing: str  # Re-advertising
    done: str  # is reachable again
    explained: str  # what the verb means, in plain language
    now: Mapping[bool, str]  # a state in words, by whether it is the good one
    stays: str  # what is certainly not changed


class Action(Protocol):
    """One entry of the catalogue."""

    name: str
    version: int
    kind: str
    aspects: frozenset[str]
    words: Words

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, now: datetime) -> Resolved:
        """The changes that lead from what is to what should be, and this action's own findings."""

    def describe(self, state: State) -> str:
        """A state in a few words for people."""
