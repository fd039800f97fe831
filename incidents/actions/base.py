"""What every action is: facts in, desired states and findings out, and the words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incidents.domain.changes import Change, State
from incidents.domain.facts import ResourceFacts
from incidents.domain.findings import Finding
from incidents.domain.kinds import Kind
from incidents.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the action would do: the changes (none where all is as it should be), and what speaks for and against.

    Args:
        stages: indices of the changes, step by step, where the action divides them itself; otherwise they are
            divided by location, as the preapproval says.
        percents: how far each of these stages leads, where they are steps of one way.
        hand_back: seconds after which it goes back by itself; 0 where it stays.
        older: whether it puts an older state in the place of one that is known to be good, which repairs nothing.
    """

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()
    stages: tuple[tuple[int, ...], ...] = ()
    percents: tuple[int, ...] = ()
    hand_back: int = 0
    older: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person chose besides the resources, for actions that need it.

    Args:
        location: slug; empty where nothing was chosen.
        minutes: for how long; 0 where nothing was chosen.
        moment: to what was proven good by then; None for what is known to be good now.
    """

    location: str = ""
    minutes: int = 0
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an action for people."""

    verb: str  # Re-advertise
    doing: str  # Re-advertising
    done: str  # is reachable again
    can: str  # what you can do: advertise it again
    explained: str  # what the verb means, in plain language
    stays: str  # what is certainly not changed
    check: str  # what is looked for from outside after each stage: that it is reachable there
    consequence: str  # what follows for traffic, for the tick of tier 2


class Action(Protocol):
    """One entry of the catalogue."""

    name: str
    version: int
    # Of resources that it is for; the first is the main one.
    kinds: tuple[Kind, ...]
    aspects: frozenset[str]
    # Whether the change goes forward in steps that all locations share, rather than location by location.
    in_steps: bool
    # Whether a person must choose a location and a time first; such an action repairs nothing.
    asks: bool
    # Whether it puts back what was proven good. What does not has a smaller budget (`domain.blast_radius`).
    restores: bool
    words: Words

    def resolve(self, resources: Sequence[ResourceFacts], terms: Terms, wish: Wish, now: datetime) -> Resolved:
        """The changes that lead from what is to what should be, and this action's own findings."""

    def describe(self, state: State) -> str:
        """A state in a few words for people."""
