"""What applying a file would change, or has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Every kind of thing, in the order in which things are made; they are removed in the opposite order.
KINDS = (
    "location",
    "backend",
    "probe",
    "organization",
    "resource",
    "binding",
    "watch",
    "person",
    "rota",
    "preapproval",
    "channel",
    "notify",
)


@dataclass(frozen=True, slots=True)
class KindDiff:
    """The differences of one kind, by name.

    Args:
        changed: names, each with the fields that differ.
        removed: named under `remove`, and there.
        absent: named under `remove`, and not there (any more).
        extra: there, but neither in the file nor named under `remove`; kept.
        unchanged: how many are as the file says.
    """

    kind: str
    added: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class InventoryDiff:
    """One `KindDiff` for every word of `KINDS`.

    Args:
        digest: of the file.
        revision: number of the inventory that was made; 0 for a plan, and when nothing had to change.
    """

    digest: str
    kinds: Mapping[str, KindDiff]
    revision: int = 0

    @property
    def is_empty(self) -> bool:
        return all(kind.is_empty for kind in self.kinds.values())

    def count(self) -> dict[str, int]:
        """How many were added, changed, removed, over all kinds."""
        kinds = self.kinds.values()
        return {
            "added": sum(len(kind.added) for kind in kinds),
            "changed": sum(len(kind.changed) for kind in kinds),
            "removed": sum(len(kind.removed) for kind in kinds),
        }
