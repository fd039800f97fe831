"""What the contract suite tests each adapter kind against: a file a kind, named like the kind.

A file holds `VARIANTS`, names of what is worth testing apart, and `make(variant, request)`, which starts the real
thing (or a stand-in over real sockets) by fixtures and returns a `Subject`. A kind without a file fails the suite.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import pytest

from incidents.adapters.base import Adapter
from incidents.domain.changes import State
from incidents.engine.kinds import ADAPTERS
from tests.fakes.sockets import Peer, closed_address


def no_count() -> int:
    return -1


@dataclass(frozen=True, slots=True)
class Subject:
    """One adapter kind under the contract.

    Args:
        address: of a healthy backend that knows `keys`; in the form that `make` takes.
        keys: two of them.
        states: two different ones that can be written, and `nothing`, a third one that each test begins with.
        make: (address, keys, budget in seconds, settings) -> an adapter.
        settings: whatever else the kind needs, references to secrets among it.
        effects: how often the backend was asked to change something, where it counts; -1 where it does not.
        compares: whether a change is refused when the world is neither `before` nor `after` any more.
        peer: makes a misbehaving peer that has an `.address` in the form that `make` takes.
        closed: an address where nobody listens.
        budget: in seconds, that an adapter of this kind needs in practice on a busy machine.
    """

    address: str
    keys: tuple[str, str]
    states: tuple[State, State]
    nothing: State
    make: Callable[..., Adapter]
    settings: Mapping[str, object] = field(default_factory=dict)
    effects: Callable[[], int] = no_count
    compares: bool = False
    peer: Callable[..., Peer] = Peer
    closed: Callable[[], str] = closed_address
    budget: float = 3

    def adapter(self) -> Adapter:
        return self.make(self.address, self.keys, self.budget, self.settings)


def variants() -> list[tuple[str, str]]:
    """(kind, variant) of everything that the suite runs over."""
    return [(kind, variant) for kind in ADAPTERS for variant in _module(kind).VARIANTS]


def subject_of(kind: str, variant: str, request: pytest.FixtureRequest) -> Subject:
    return _module(kind).make(variant, request)


class _Module(Protocol):
    VARIANTS: Sequence[str]

    def make(self, variant: str, request: pytest.FixtureRequest) -> Subject: ...


def _module(kind: str) -> _Module:
    return cast(_Module, importlib.import_module(f"{__name__}.{kind.replace('-', '_')}"))
