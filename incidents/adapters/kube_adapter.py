"""What the adapters of a cluster's objects have in common: how they are made, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self

from incidents.adapters.kube_access import SETTINGS, read_access
from incidents.adapters.kube_api import Kube
from incidents.wire.settings import Settings


class KubeAdapter:
    """Made from the settings that docs/backends/kubernetes-deployment.md describes.

    Args:
        kube: the cluster, not yet connected to.
        keys: what the inventory binds to this backend.
        budget_seconds: the longest that one call may take, connecting included.
    """

    def __init__(self, *, kube: Kube, keys: frozenset[str], budget_seconds: float) -> None:
        self._kube, self._keys, self._budget = kube, keys, budget_seconds

    @classmethod
    def from_settings(
        cls,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> Self:
        """Raises InventoryFault for a setting that is unknown, missing or ill-typed; see docs/backends/."""
        access = read_access(Settings.of(settings, SETTINGS), secret)
        return cls(kube=Kube(name, access), keys=keys, budget_seconds=budget_seconds)

    def close(self) -> None:
        self._kube.close()
