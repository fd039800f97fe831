"""Reads a rota: who is on call when, or where an on-call system tells."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from incidents.domain.on_call import Shift, Turns
from incidents.inventory.document import Inventory, RotaEntry
from incidents.inventory.nodes import Fields, Node, Sheet, near

YEAR_HOURS = 366 * 24


def read_rota(sheet: Sheet, node: Node, path: str) -> RotaEntry:
    """One of `turns` and `shifts`, or both; or `settings` alone."""
    fields = Fields(sheet, node, path, ("name", "turns", "shifts", "settings"))
    asks, tells = fields.has("settings"), fields.has("turns") or fields.has("shifts")
    if asks == tells:
        fields.fault("settings", "say either who is on call (turns, shifts), or where to ask (settings), not both")
    return RotaEntry(
        name=fields.slug("name"),
        turns=_read_turns(sheet, fields) if fields.has("turns") else None,
        shifts=tuple(_read_shift(sheet, *item) for item in fields.items("shifts", optional=True)),
        settings=fields.json("settings") if asks else {},
    )


def _read_turns(sheet: Sheet, fields: Fields) -> Turns:
    turns = Fields(sheet, fields.node("turns"), fields.at("turns"), ("people", "since", "hours"))
    people = turns.texts("people", empty="then nobody would ever be on call; name the people in their order")
    return Turns(tuple(people), _moment(turns, "since"), turns.integer("hours", 1, YEAR_HOURS))


def _read_shift(sheet: Sheet, node: Node, path: str) -> Shift:
    fields = Fields(sheet, node, path, ("person", "since", "until"))
    shift = Shift(fields.text("person"), _moment(fields, "since"), _moment(fields, "until"))
    if shift.until <= shift.since:
        fields.fault("until", "must be later than since")
    return shift


def _moment(fields: Fields, key: str) -> datetime:
    """A time with its offset from UTC, so that nobody is on call an hour early; a fault for anything else."""
    node = fields.node(key)
    if node is None:
        return datetime.max.replace(tzinfo=UTC) if key == "until" else datetime.min.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(node.value) if isinstance(node, yaml.ScalarNode) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        fields.fault(key, 'must be a time with its offset, such as "2026-11-25T08:00:00+00:00" or "...Z"')
        return datetime.max.replace(tzinfo=UTC) if key == "until" else datetime.min.replace(tzinfo=UTC)
    return found.astimezone(UTC)


def check_rotas(sheet: Sheet, inventory: Inventory) -> None:
    """Whoever is on call is among the people, and every preapproval names a rota that is there."""
    people = {person.name for person in inventory.people}
    for index, rota in enumerate(inventory.rotas):
        named = [(f"turns.people[{i}]", name) for i, name in enumerate(rota.turns.people if rota.turns else ())]
        named += [(f"shifts[{i}].person", shift.person) for i, shift in enumerate(rota.shifts)]
        for place, name in named:
            if name and name not in people:
                sheet.fault(f"rotas[{index}].{place}", f"there is no person {name}; {near(name, people)}")
    rotas = {rota.name for rota in inventory.rotas}
    for index, entry in enumerate(inventory.preapprovals):
        if entry.terms.on_call and entry.terms.on_call not in rotas:
            message = f"there is no rota {entry.terms.on_call}; {near(entry.terms.on_call, rotas)}"
            sheet.fault(f"preapprovals[{index}].only_when.on_call", message)
