"""What may be named under `remove`, and in which form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from incidents.inventory.diff import KINDS
from incidents.inventory.document import Inventory, Removal, binding_name, watch_name
from incidents.inventory.nodes import near

# What an owner has decided on the page is no thing of the file, but can be named under `remove`.
ROLE = "role"
# How things are named under `remove`, where it is not by one word.
FORMS = {
    "binding": "RESOURCE LOCATION ASPECT",
    "watch": "RESOURCE LOCATION PROBE",
    ROLE: "PERSON ORGANIZATION DATE",
}
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def wrong_removals(inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Paths of what is named in vain, each with what is wrong with it."""
    there = _there(inventory)
    for index, removal in enumerate(inventory.remove):
        message = _what_is_wrong(removal, there) if removal.kind else ""
        if message:
            yield f"remove[{index}]", message


def _what_is_wrong(removal: Removal, there: Mapping[str, Collection[str]]) -> str:
    known = (*KINDS, ROLE)
    if removal.kind not in known:
        return f"{removal.kind} is no kind of thing; {near(removal.kind, known)}"
    form = FORMS.get(removal.kind, "NAME")
    if len(removal.name.split()) != len(form.split()):
        return f"must be `{removal.kind} {form}`"
    if removal.kind == ROLE:
        return "" if _is_day(removal.name.split()[-1]) else "must end with a day such as 2026-11-25"
    if removal.name in there[removal.kind]:
        return f"{removal.kind} {removal.name} still stands in the file; take it out there as well"
    return ""


def _is_day(text: str) -> bool:
    try:
        return bool(DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _there(inventory: Inventory) -> dict[str, set[str]]:
    """The names of everything in the file, by the words of `KINDS`."""
    resources = [resource for organization in inventory.organizations for resource in organization.resources]
    return {
        "location": {entry.name for entry in inventory.locations},
        "backend": {entry.name for entry in inventory.backends},
        "probe": {entry.name for entry in inventory.probes},
        "organization": {entry.name for entry in inventory.organizations},
        "resource": {entry.name for entry in resources},
        "binding": {binding_name(e.name, item.location, item.aspect) for e in resources for item in e.bindings},
        "watch": {watch_name(e.name, item.location, item.probe) for e in resources for item in e.watch},
        "person": {entry.name for entry in inventory.people},
        "rota": {entry.name for entry in inventory.rotas},
        "preapproval": {entry.name for entry in inventory.preapprovals},
        "channel": {entry.name for entry in inventory.channels},
        "notify": {entry.name for entry in inventory.notify},
    }
