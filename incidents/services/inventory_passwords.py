"""The first passwords of people: the inventory gives them, and never writes over one that a person has set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password

from incidents.domain.errors import InventoryFault
from incidents.inventory.document import Inventory
from incidents.inventory.references import resolve
from incidents.models import Person


@dataclass(frozen=True, slots=True)
class Hashes:
    """What a person's row should hold.

    Args:
        first: the hash of what the inventory gives.
        password: the same, unless the person has set another one since.
    """

    first: str
    password: str


@dataclass(frozen=True, slots=True)
class _Row:
    first: str
    password: str
    active: bool


def hash_passwords(inventory: Inventory, made: Mapping[str, Hashes] | None = None) -> dict[str, Hashes]:
    """The hashes that each person's row should hold: those that are there where they fit, new ones otherwise.

    Somebody who is new, or comes back, gets the password of the file; so does whoever still has the one that the file
    gave, when what stands behind the reference has changed. A hash takes about 0.1 s, so this is done before the
    transaction.

    Args:
        made: hashes made a moment ago; taken as they are, unless a row holds another one that fits.

    Raises:
        ExceptionGroup: of InventoryFault, for every password that went away since the file was read.
    """
    fields = ("first_password", "password", "is_active")
    there = {name: _Row(*values) for name, *values in Person.objects.values_list("username", *fields)}
    found: dict[str, Hashes] = {}
    faults: list[InventoryFault] = []
    for index, person in enumerate(inventory.people):
        row, earlier = there.get(person.name), (made or {}).get(person.name)
        try:
            first = _first(person.password, row, earlier)
        except InventoryFault as fault:
            faults.append(inventory.fault(fault.message, f"people[{index}].password"))
            continue
        own = row is not None and row.active and row.password != row.first
        found[person.name] = Hashes(first, row.password if row is not None and own else first)
    if faults:
        raise ExceptionGroup("passwords are missing", faults)
    return found


def _first(reference: str, row: _Row | None, earlier: Hashes | None) -> str:
    if row is not None and earlier is not None and row.first == earlier.first:
        return row.first
    password = resolve(reference, Path.cwd())
    if row is not None and row.first and check_password(password, row.first):
        return row.first
    return earlier.first if earlier is not None else make_password(password)
