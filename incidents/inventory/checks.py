"""What must hold between the parts of a file: names are unique, and everything that is named is there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from incidents.domain.canonical import Json
from incidents.domain.kinds import LOOKED_AT
from incidents.domain.people import ACTING, group_of, groups_of
from incidents.inventory.document import (
    Inventory,
    PreapprovalEntry,
    ProbeEntry,
    ResourceEntry,
)
from incidents.inventory.nodes import Sheet, near
from incidents.inventory.notify import check_notify
from incidents.inventory.outside import check_outside
from incidents.inventory.prefixes import check_prefixes
from incidents.inventory.removals import wrong_removals
from incidents.inventory.rotas import check_rotas
from incidents.inventory.rules import Rules

# Without a name of a host: to look it up may take longer than any budget, and needs the outside.
ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|([0-9.]+)):([0-9]{1,5})")
RPKI = "rpki"
# Lists of things that have a name each.
SECTIONS = ("locations", "backends", "probes", "organizations", "people", "rotas", "preapprovals", "channels", "notify")
# After so many faults, looking for what was meant would only cost time.
PATIENCE = 100


@dataclass(frozen=True, slots=True)
class _Names:
    """What can be referred to."""

    locations: frozenset[str]
    backends: frozenset[str]
    probes: dict[str, ProbeEntry]
    organizations: frozenset[str]
    owners: dict[str, str]  # resources to their organizations
    resources: dict[str, ResourceEntry]
    groups: frozenset[str]


def check(sheet: Sheet, inventory: Inventory, rules: Rules) -> None:
    """Adds a fault to the sheet for everything that does not fit together. Passes over values that are empty."""
    names = _names(inventory)
    _check_unique(sheet, inventory)
    check_prefixes(sheet, inventory)
    check_outside(sheet, inventory, rules)
    _check_bindings(sheet, inventory, names)
    _check_sights(sheet, inventory, names)
    _check_watches(sheet, inventory, names, rules)
    for index, person in enumerate(inventory.people):
        _check_groups(sheet, f"people[{index}].groups", person.groups, names)
    check_rotas(sheet, inventory)
    check_notify(sheet, inventory, names.groups)
    for index, preapproval in enumerate(inventory.preapprovals):
        _check_preapproval(sheet, f"preapprovals[{index}]", preapproval, names, rules)
    _check_removals(sheet, inventory)


def _names(inventory: Inventory) -> _Names:
    owned = [(entry, organization.name) for organization in inventory.organizations for entry in organization.resources]
    owned.reverse()  # so that of a name that stands twice the first is the one that counts
    return _Names(
        locations=frozenset(location.name for location in inventory.locations),
        backends=frozenset(backend.name for backend in inventory.backends),
        probes={probe.name: probe for probe in inventory.probes},
        organizations=frozenset(organization.name for organization in inventory.organizations),
        owners={resource.name: organization for resource, organization in owned},
        resources={resource.name: resource for resource, _ in owned},
        groups=frozenset(groups_of(entry.name for entry in inventory.organizations)),
    )


def _check_unique(sheet: Sheet, inventory: Inventory) -> None:
    for section in SECTIONS:
        paths = [(f"{section}[{i}].name", entry.name) for i, entry in enumerate(getattr(inventory, section))]
        _refuse_repeated(sheet, paths)
    _refuse_repeated(sheet, [(f"people[{i}].company_id", one.company_id) for i, one in enumerate(inventory.people)])


def _refuse_repeated(sheet: Sheet, named: Iterable[tuple[str, str]]) -> None:
    """Each is a path and the name that stands there."""
    seen: dict[str, str] = {}
    for path, name in named:
        if name and name in seen:
            sheet.fault(path, f"{name} stands twice; it is already on line {sheet.line(seen[name])}")
        seen.setdefault(name, path)


def _refer(sheet: Sheet, path: str, what: str, name: str, known: Collection[str]) -> bool:
    """Whether `name` is known; a fault when it is not, unless it is empty, which has been told already."""
    if name and name not in known:
        hint = f"; {near(name, known)}" if len(sheet.faults) < PATIENCE else ""
        sheet.fault(path, f"there is no {what} {name}{hint}")
    return name in known


def _check_bindings(sheet: Sheet, inventory: Inventory, names: _Names) -> None:
    keys: list[tuple[str, str]] = []
    for path, resource in _resources(inventory):
        sides: list[tuple[str, str]] = []
        for index, binding in enumerate(resource.bindings):
            place = f"{path}.bindings[{index}]"
            _refer(sheet, f"{place}.location", "location", binding.location, names.locations)
            _refer(sheet, f"{place}.backend", "backend", binding.backend, names.backends)
            if binding.location and binding.aspect:
                sides.append((place, f"the {binding.aspect} at {binding.location}"))
            if binding.backend and binding.key:
                keys.append((f"{place}.key", f"the key {binding.key} of backend {binding.backend}"))
        _refuse_repeated(sheet, sides)
    _refuse_repeated(sheet, keys)


def _check_watches(sheet: Sheet, inventory: Inventory, names: _Names, rules: Rules) -> None:
    for path, resource in _resources(inventory):
        points: list[tuple[str, str]] = []
        for index, watch in enumerate(resource.watch):
            place = f"{path}.watch[{index}]"
            _refer(sheet, f"{place}.location", "location", watch.location, names.locations)
            if not _refer(sheet, f"{place}.probe", "probe", watch.probe, names.probes):
                continue
            points.append((place, f"the watch by {watch.probe} at {watch.location}"))
            probe = names.probes[watch.probe]
            sights = _sights(probe)
            if sights and watch.location in names.locations - sights.keys():
                sheet.fault(f"{place}.location", f"{probe.name} sees nothing there; add it to the probe's locations")
            message = _wrong_address(watch.address, probe.kind, rules)
            if message:
                sheet.fault(f"{place}.address", message)
        _refuse_repeated(sheet, points)


def _sights(probe: ProbeEntry) -> Mapping[str, Json]:
    """The locations that a probe's settings list, for kinds that have such a list; empty for the others."""
    listed = probe.settings.get("locations")
    return listed if isinstance(listed, Mapping) else {}


def _check_sights(sheet: Sheet, inventory: Inventory, names: _Names) -> None:
    for index, probe in enumerate(inventory.probes):
        for location in _sights(probe):
            _refer(sheet, f"probes[{index}].settings.locations.{location}", "location", location, names.locations)


def _wrong_address(address: str, kind: str, rules: Rules) -> str:
    """What is wrong with the address of a watch by a probe of this kind; empty when it is right."""
    if kind not in rules.probes:
        return ""
    if kind not in rules.connecting:
        return f"has no meaning for a probe of kind {kind}; leave it out" if address else ""
    if not address:
        return f"is missing; a probe of kind {kind} needs host:port to connect to"
    return "" if _is_endpoint(address) else "must be numeric, such as 192.0.2.1:443 or [2001:db8::1]:443"


def _is_endpoint(address: str) -> bool:
    match = ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match[3]) < 65536:
        return False
    try:
        ipaddress.ip_address(match[1] or match[2])
    except ValueError:
        return False
    return True


def _resources(inventory: Inventory) -> Iterable[tuple[str, ResourceEntry]]:
    for i, organization in enumerate(inventory.organizations):
        for j, resource in enumerate(organization.resources):
            yield f"organizations[{i}].resources[{j}]", resource


def _check_groups(sheet: Sheet, path: str, groups: Iterable[str], names: _Names) -> None:
    placed = [(f"{path}[{index}]", group) for index, group in enumerate(groups)]
    for place, group in placed:
        _refer(sheet, place, "group", group, names.groups)
    _refuse_repeated(sheet, placed)


def _check_preapproval(sheet: Sheet, path: str, entry: PreapprovalEntry, names: _Names, rules: Rules) -> None:
    _refer(sheet, f"{path}.action", "action", entry.action, rules.actions)
    _check_groups(sheet, f"{path}.groups", entry.groups, names)
    for index, probe in enumerate(entry.terms.probes):
        _refer(sheet, f"{path}.proof.probes[{index}]", "probe", probe, names.probes)
    _check_validator(sheet, f"{path}.rpki", entry.terms.rpki, names)
    if names.locations and entry.terms.tolerate >= len(names.locations):
        sheet.fault(f"{path}.tolerate", f"must be less than the number of locations, {len(names.locations)}")
    if _refer(sheet, f"{path}.organization", "organization", entry.organization, names.organizations):
        _check_holders(sheet, f"{path}.groups", entry, names)
        _check_approvers(sheet, f"{path}.approvers", entry, names)
        _check_covered(sheet, f"{path}.resources", entry, names, rules)


def _check_validator(sheet: Sheet, path: str, name: str, names: _Names) -> None:
    if name and _refer(sheet, path, "probe", name, names.probes) and names.probes[name].kind != RPKI:
        sheet.fault(path, f"{name} is no probe of kind {RPKI}, so it cannot tell whether an origin is valid")


def _check_holders(sheet: Sheet, path: str, entry: PreapprovalEntry, names: _Names) -> None:
    acting = [group_of(entry.organization, role) for role in ACTING]
    allowed = " and ".join(acting)
    for index, group in enumerate(entry.groups):
        if group in names.groups and group not in acting:
            sheet.fault(f"{path}[{index}]", f"{group} may not act for {entry.organization}; only {allowed} may")


def _check_approvers(sheet: Sheet, path: str, entry: PreapprovalEntry, names: _Names) -> None:
    """Whoever agrees must see what they agree to, and answer for that organization or for the platform."""
    allowed = (*(group_of(entry.organization, role) for role in ACTING), "support")
    placed = [(f"{path}[{index}]", group) for index, group in enumerate(entry.approvers)]
    _refuse_repeated(sheet, placed)
    for place, group in placed:
        if _refer(sheet, place, "group", group, names.groups) and group not in allowed:
            sheet.fault(place, f"{group} may not agree to this; {' or '.join(allowed)} may")


def _check_covered(sheet: Sheet, path: str, entry: PreapprovalEntry, names: _Names, rules: Rules) -> None:
    placed = [(f"{path}[{index}]", name) for index, name in enumerate(entry.resources)]
    _refuse_repeated(sheet, placed)
    for place, name in placed:
        owner = names.owners.get(name)
        if owner is None:
            _refer(sheet, place, "resource", name, names.owners)
        elif owner != entry.organization:
            sheet.fault(place, f"{name} belongs to organization {owner}, not to {entry.organization}")
        else:
            _check_kind(sheet, place, names.resources[name], rules.actions.get(entry.action, ()), entry.action)
            _check_provable(sheet, place, names.resources[name], entry.terms.probes, names)


def _check_kind(sheet: Sheet, path: str, resource: ResourceEntry, kinds: Sequence[str], action: str) -> None:
    if kinds and resource.kind and resource.kind not in kinds:
        sheet.fault(path, f"{resource.name} is a {resource.kind}, and {action} is for a {' or '.join(kinds)}")


def _check_provable(sheet: Sheet, path: str, resource: ResourceEntry, probes: Collection[str], names: _Names) -> None:
    """No location may count as proven because nobody looked."""
    watched = {watch.location for watch in resource.watch if watch.probe in probes}
    for location in dict.fromkeys(binding.location for binding in resource.bindings if binding.aspect not in LOOKED_AT):
        if location in names.locations and location not in watched and any(probes):
            named = " or ".join(probes)
            sheet.fault(path, f"{resource.name} is not watched by {named} at {location}, so nothing could be proven")


def _check_removals(sheet: Sheet, inventory: Inventory) -> None:
    placed = [(f"remove[{index}]", removal) for index, removal in enumerate(inventory.remove) if removal.kind]
    _refuse_repeated(sheet, [(path, f"{removal.kind} {removal.name}") for path, removal in placed])
    for path, message in wrong_removals(inventory):
        sheet.fault(path, message)
