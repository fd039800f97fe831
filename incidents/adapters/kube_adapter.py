"""What the adapters of a cluster's objects have in common: how they are made, and how they end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Self

from incidents.adapters.kube_access import SETTINGS, read_access
from incidents.adapters.kube_api import Kube
from incidents.domain.errors import InventoryFault
from incidents.wire.settings import Settings

# RFC 1123, as the API server checks names: a label for the namespace, a subdomain for the object.
KEY = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LONGEST_KEY = 200


def named(key: str, what: str, example: str) -> str:
    """`NAMESPACE/NAME`, as it is. Raises InventoryFault."""
    if not KEY.fullmatch(key) or len(key) > LONGEST_KEY:
        raise InventoryFault(f"{key[:LONGEST_KEY]!r} must be a namespace and {what}, such as {example}")
    return key


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
