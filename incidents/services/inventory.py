"""The inventory: read a file, say what applying it would change, apply it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from django.utils import timezone

from incidents.actions.catalogue import CATALOGUE
from incidents.audit.log import Actor, append, recorded
from incidents.domain.errors import InventoryFault
from incidents.engine.kinds import ADAPTERS, CONNECTING, PROBES
from incidents.engine.notice_channels import kinds_of_channels
from incidents.inventory.diff import InventoryDiff
from incidents.inventory.document import Inventory
from incidents.inventory.reading import read as read_text
from incidents.inventory.references import resolve
from incidents.inventory.rules import Rules
from incidents.models import InventoryRevision
from incidents.models.clock import database_now
from incidents.services.inventory_apply import grant_platform_rights, write
from incidents.services.inventory_entries import entries
from incidents.services.inventory_obstacles import obstacles
from incidents.services.inventory_passwords import Hashes, hash_passwords
from incidents.services.inventory_plan import Comparison, compare
from incidents.services.inventory_roles import note_roles, settle
from incidents.wire.rota import client_of

PASSWORDS = {"password", "first_password"}


def read(text: str) -> Inventory | list[InventoryFault]:
    """What an inventory file says, or every fault in it. `file:` references count from the current directory."""
    return read_text(
        text,
        Rules(
            backends=ADAPTERS,
            probes=PROBES,
            connecting=CONNECTING,
            rota=client_of,
            actions={name: action.kinds for name, action in CATALOGUE.items()},
            secret=lambda reference: resolve(reference, Path.cwd()),
            channels=kinds_of_channels(),
        ),
    )


def plan(inventory: Inventory) -> InventoryDiff:
    """What `apply` would change, without changing it.

    Raises:
        ExceptionGroup: of InventoryFault, every reason why the file cannot be applied to what is there.
    """
    return _compare(inventory, hash_passwords(inventory)).diff


def apply(inventory: Inventory, *, by: str) -> InventoryDiff:
    """Makes everything as the file says, in one transaction, with its audit entries; nothing when nothing differs.

    Nothing that has merely left the file is deleted, only what is named under `remove`.

    Args:
        by: who applies it, for the audit log.

    Raises:
        ExceptionGroup: of InventoryFault; nothing was changed.
    """
    hashes, actor = hash_passwords(inventory), Actor("command", by, by)
    # Of two files applied at once, each would be compared with the world before the other.
    with recorded():
        comparison = _compare(inventory, hashes)
        if any(PASSWORDS.intersection(fields) for fields in comparison.diff.kinds["person"].changed.values()):
            # Somebody may have applied the same passwords, or set their own, since these were hashed.
            comparison = _compare(inventory, hash_passwords(inventory, hashes))
        now = database_now()
        settled = settle(inventory, actor, now)
        if comparison.diff.is_empty:
            append(*settled, *grant_platform_rights(actor))
            return comparison.diff
        write(comparison)
        rights = grant_platform_rights(actor)
        note_roles(comparison, now)
        revision = InventoryRevision.objects.create(
            digest=inventory.digest, applied_at=timezone.now(), applied_by=by[:150]
        )
        append(*settled, *rights, *entries(inventory, comparison, revision.pk, actor))
    return replace(comparison.diff, revision=revision.pk)


def _compare(inventory: Inventory, hashes: dict[str, Hashes]) -> Comparison:
    comparison = compare(inventory, hashes)
    faults = obstacles(inventory, comparison)
    if faults:
        raise ExceptionGroup("the inventory cannot be applied to what is there", faults)
    return comparison
