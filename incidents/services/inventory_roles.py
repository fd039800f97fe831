"""Where the inventory and the owners' page meet: what an owner has decided stays until the file agrees.

The last decision on a person's role in an organization is one RoleChange. While it is open, a file that says otherwise
is at fault; the platform engineers insist by naming it under `remove`, with its date, so that a line which stays in
the file does not touch what an owner decides later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from incidents.audit.log import Actor, Entry
from incidents.domain.errors import InventoryFault
from incidents.domain.people import role_among, roles_among
from incidents.inventory.document import Inventory
from incidents.inventory.removals import ROLE
from incidents.models import RoleChange
from incidents.services.inventory_plan import Comparison


@dataclass(frozen=True, slots=True)
class _Decision:
    """An open decision of an owner on somebody who is in the file; `path` is where the file says which groups."""

    row: RoleChange
    path: str
    agrees: bool
    set_aside: bool


def role_faults(inventory: Inventory) -> Iterator[InventoryFault]:
    """One for everybody whose groups in the file are not what an owner has decided since."""
    for decision in _decisions(inventory):
        if not decision.agrees and not decision.set_aside:
            yield inventory.fault(_told(decision.row), decision.path)


def settle(inventory: Inventory, actor: Actor, now: datetime) -> list[Entry]:
    """Closes the decisions that the file agrees with or sets aside; in the caller's transaction. Gives the entries."""
    found = []
    for decision in _decisions(inventory):
        row = decision.row
        row.settled_at = now
        row.save(update_fields=("settled_at",))
        event = f"inventory.role.{'settled' if decision.agrees else 'set-aside'}"
        data = {"person": row.person.username, "role": row.role, "by": row.by.username if row.by else ""}
        found.append(Entry(event, actor, row.organization.slug, data={**data}))
    return found


def note_roles(comparison: Comparison, now: datetime) -> None:
    """Writes down which roles the inventory has given and taken, for the page that says how people came to theirs."""
    row = partial(RoleChange, by=None, at=now, settled_at=now)
    diff = comparison.diff.kinds["person"]
    rows = []
    for name in (*diff.added, *(name for name, fields in diff.changed.items() if "groups" in fields)):
        before = _groups(comparison.present["person"].get(name, {}).get("groups"))
        after = _groups(comparison.wanted["person"][name]["groups"])
        for organization in {group.rpartition("/")[0] for group in before ^ after if "/" in group}:
            role = role_among(organization, after)
            if role != role_among(organization, before):
                ids = comparison.ids
                person, place = ids["person"][name], ids["organization"][organization]
                rows.append(row(person_id=person, organization_id=place, role=role))
    RoleChange.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=("person", "organization"),
        update_fields=("role", "by", "at", "settled_at"),
    )


def _decisions(inventory: Inventory) -> Iterator[_Decision]:
    people = {person.name: (index, person) for index, person in enumerate(inventory.people)}
    aside = [tuple(removal.name.split()) for removal in inventory.remove if removal.kind == ROLE]
    rows = RoleChange.objects.filter(by__isnull=False, settled_at=None, person__username__in=people)
    for row in rows.select_related("person", "organization", "by"):
        index, entry = people[row.person.username]
        organization = row.organization.slug
        yield _Decision(
            row=row,
            path=f"people[{index}].groups",
            agrees=roles_among(organization, entry.groups) == ([row.role] if row.role else []),
            set_aside=any(
                (person, place) == (entry.name, organization) and row.at.date() <= date.fromisoformat(day)
                for person, place, day in aside
            ),
        )


def _told(row: RoleChange) -> str:
    name, organization, day = row.person.username, row.organization.slug, row.at.date().isoformat()
    by = row.by.username if row.by else ""
    decided = f"made {name} one of {organization}/{row.role}" if row.role else f"took {name} out of {organization}"
    insist = f"{ROLE} {name} {organization} {day}"
    return f"{by} {decided} on {day}; say the same here, or name `{insist}` under remove"


def _groups(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()
