"""Checks that ask outside: what the kinds say of their settings, and whether every secret is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.errors import InventoryFault
from incidents.inventory.document import BackendEntry, ChannelEntry, Inventory, ProbeEntry, RotaEntry
from incidents.inventory.nodes import Sheet, near
from incidents.inventory.references import is_reference
from incidents.inventory.rules import Closable, Rules, Secret


def check_outside(sheet: Sheet, inventory: Inventory, rules: Rules) -> None:
    keys = _keys(inventory)
    for index, backend in enumerate(inventory.backends):
        _check_backend(sheet, f"backends[{index}]", backend, frozenset(keys[backend.name]), rules)
    for index, probe in enumerate(inventory.probes):
        _check_probe(sheet, f"probes[{index}]", probe, rules)
    for index, rota in enumerate(inventory.rotas):
        if rota.settings:
            _check_rota(sheet, f"rotas[{index}]", rota, rules)
    for index, channel in enumerate(inventory.channels):
        _check_channel(sheet, f"channels[{index}]", channel, rules)
    for index, person in enumerate(inventory.people):
        if person.password:
            _resolve(sheet, f"people[{index}].password", person.password, rules.secret)


def _keys(inventory: Inventory) -> Mapping[str, set[str]]:
    keys: dict[str, set[str]] = defaultdict(set)
    for organization in inventory.organizations:
        for resource in organization.resources:
            for binding in resource.bindings:
                keys[binding.backend].add(binding.key)
    return keys


def _check_backend(sheet: Sheet, path: str, entry: BackendEntry, keys: frozenset[str], rules: Rules) -> None:
    kind = rules.backends.get(entry.kind)
    if kind is None:
        _unknown_kind(sheet, path, entry.kind, rules.backends)
        return

    def make(secret: Secret) -> Closable:
        return kind.from_settings(
            name=entry.name, settings=entry.settings, secret=secret, keys=keys, budget_seconds=entry.budget_ms / 1000
        )

    _check_settings(sheet, path, entry.settings, make, rules.secret)


def _check_probe(sheet: Sheet, path: str, entry: ProbeEntry, rules: Rules) -> None:
    kind = rules.probes.get(entry.kind)
    if kind is None:
        _unknown_kind(sheet, path, entry.kind, rules.probes)
        return

    def make(secret: Secret) -> Closable:
        return kind.from_settings(
            name=entry.name, settings=entry.settings, secret=secret, budget_seconds=entry.budget_ms / 1000
        )

    _check_settings(sheet, path, entry.settings, make, rules.secret)


def _check_rota(sheet: Sheet, path: str, entry: RotaEntry, rules: Rules) -> None:
    def make(secret: Secret) -> Closable:
        return rules.rota(entry.name, entry.settings, secret)

    _check_settings(sheet, path, entry.settings, make, rules.secret)


def _check_channel(sheet: Sheet, path: str, entry: ChannelEntry, rules: Rules) -> None:
    kind = rules.channels.get(entry.kind)
    if kind is None:
        _unknown_kind(sheet, path, entry.kind, rules.channels)
        return

    def make(secret: Secret) -> Closable:
        return kind(entry.name, entry.settings, secret)

    _check_settings(sheet, path, entry.settings, make, rules.secret)


def _unknown_kind(sheet: Sheet, path: str, kind: str, known: Mapping[str, object]) -> None:
    if kind:
        sheet.fault(f"{path}.kind", f"{kind} is no kind that this console knows; {near(kind, known)}")


def _check_settings(
    sheet: Sheet, path: str, settings: JsonObject, make: Callable[[Secret], Closable], secret: Secret
) -> None:
    """Resolves every reference first, so that all that are missing are told of, not only the first one asked for."""
    missing: dict[str, InventoryFault] = {}
    found: dict[str, str] = {}
    for place, reference in _references(settings, f"{path}.settings"):
        try:
            found[reference] = secret(reference)
        except InventoryFault as fault:
            missing[reference] = fault
            sheet.fault(place, fault.message)

    def known(reference: str) -> str:
        if reference in missing:
            raise missing[reference]
        return found.get(reference) or secret(reference)

    try:
        make(known).close()
    except InventoryFault as fault:
        if fault not in missing.values():
            sheet.fault(f"{path}.{fault.path or 'settings'}", fault.message)


def _references(value: Json, path: str) -> list[tuple[str, str]]:
    """Every reference in the settings, with its path."""
    if isinstance(value, str):
        return [(path, value)] if is_reference(value) else []
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in _references(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _references(item, f"{path}[{index}]")]
    return []


def _resolve(sheet: Sheet, path: str, reference: str, secret: Secret) -> None:
    try:
        secret(reference)
    except InventoryFault as fault:
        sheet.fault(path, fault.message)
