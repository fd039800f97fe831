"""What the reading must be told from outside: which kinds and actions there are, and how secrets are found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from incidents.domain.canonical import JsonObject

Secret = Callable[[str], str]


class Closable(Protocol):
    def close(self) -> None: ...


class BackendRule(Protocol):
    """A backend kind, as far as the inventory uses it. Both raise InventoryFault with a path such as `settings.x`."""

    def normalize_key(self, key: str) -> str:
        """The one form of a key."""

    def from_settings(
        self, *, name: str, settings: JsonObject, secret: Secret, keys: frozenset[str], budget_seconds: float
    ) -> Closable:
        """Makes the adapter, without connecting."""


class ProbeRule(Protocol):
    """A probe kind, as far as the inventory uses it."""

    def from_settings(self, *, name: str, settings: JsonObject, secret: Secret, budget_seconds: float) -> Closable:
        """Makes the probe, without connecting. Raises InventoryFault with a path such as `settings.x`."""


class ChannelRule(Protocol):
    """A kind of channel, as far as the inventory uses it."""

    def __call__(self, name: str, settings: JsonObject, secret: Secret) -> Closable:
        """Makes the sender, without connecting. Raises InventoryFault with a path such as `settings.x`."""


class RotaRule(Protocol):
    """An on-call system, as far as the inventory uses it."""

    def __call__(self, name: str, settings: JsonObject, secret: Secret) -> Closable:
        """Makes the client, without connecting. Raises InventoryFault with a path such as `settings.x`."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    Args:
        backends, probes: by kind.
        connecting: kinds of probes that need an address to connect to.
        rota: makes the client of an on-call system, without connecting; raises as the others do.
        actions: names of the catalogue, each with the kinds of resources that it is for.
        secret: what stands behind a reference; raises InventoryFault.
        channels: by kind.
    """

    backends: Mapping[str, BackendRule]
    probes: Mapping[str, ProbeRule]
    connecting: Collection[str]
    rota: RotaRule
    actions: Mapping[str, Sequence[str]]
    secret: Secret
    channels: Mapping[str, ChannelRule] = field(default_factory=dict)
