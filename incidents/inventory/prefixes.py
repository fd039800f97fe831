"""The rules for names: each once; and prefixes exact, neither too long nor too short, and of one organization only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TypeAlias

from incidents.domain.kinds import Kind
from incidents.inventory.document import Inventory, ResourceEntry
from incidents.inventory.nodes import Sheet

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Networks of others commonly drop announcements that are longer; shorter than these is more than one customer holds.
LONGEST = {4: 24, 6: 48}
SHORTEST = {4: 8, 6: 19}


def check_prefixes(sheet: Sheet, inventory: Inventory) -> None:
    found: list[tuple[Network, str, str]] = []
    owners: dict[str, tuple[str, str]] = {}
    for path, organization, resource in _resources(inventory):
        if not resource.name:
            continue
        if resource.name in owners:
            _twice(sheet, f"{path}.name", resource.name, organization, owners[resource.name])
            continue
        owners[resource.name] = (organization, f"{path}.name")
        if resource.kind != Kind.PREFIX:
            continue
        network = _network(sheet, f"{path}.name", resource.name)
        if network is not None:
            found.append((network, organization, f"{path}.name"))
            _check_routes(sheet, path, resource, network)
    _check_overlaps(sheet, found)


def _resources(inventory: Inventory) -> Iterator[tuple[str, str, ResourceEntry]]:
    for i, organization in enumerate(inventory.organizations):
        for j, resource in enumerate(organization.resources):
            yield f"organizations[{i}].resources[{j}]", organization.name, resource


def _twice(sheet: Sheet, path: str, name: str, organization: str, first: tuple[str, str]) -> None:
    owner, place = first
    whose = "this organization" if owner == organization else f"organization {owner}"
    sheet.fault(path, f"{name} already belongs to {whose}, on line {sheet.line(place)}")


def _network(sheet: Sheet, path: str, name: str) -> Network | None:
    """The prefix that `name` is, when nothing is wrong with it."""
    try:
        network = ipaddress.ip_network(name, strict=False) if "/" in name and "%" not in name else None
    except ValueError:
        network = None
    if network is None:
        sheet.fault(path, f"{name!r} is no prefix; write an address and a length, such as 203.0.113.0/24")
        return None
    longest, shortest = LONGEST[network.version], SHORTEST[network.version]
    if network.prefixlen > longest:
        sheet.fault(path, f"{name} is longer than /{longest}, and most networks would not accept its announcement")
    elif network.prefixlen < shortest:
        sheet.fault(path, f"{name} is shorter than /{shortest}, which is more than one organization holds")
    elif ipaddress.ip_interface(name).ip != network.network_address:
        sheet.fault(path, f"{name} has host bits set; {network} was probably meant")
    elif str(network) != name:
        sheet.fault(path, f"{name} has another usual form; write {network}")
    else:
        return network
    return None


def _check_routes(sheet: Sheet, path: str, resource: ResourceEntry, network: Network) -> None:
    """A route's key that is a prefix must be this one: otherwise repairing it would change somebody else's route."""
    for index, binding in enumerate(resource.bindings):
        if binding.aspect != "route" or not binding.key:
            continue
        try:
            bound = ipaddress.ip_network(binding.key, strict=False)
        except ValueError:
            continue
        if bound != network:
            place = f"{path}.bindings[{index}].key"
            sheet.fault(place, f"{binding.key} is another prefix than {network}, whose route this is")


def _check_overlaps(sheet: Sheet, found: list[tuple[Network, str, str]]) -> None:
    """A prefix within one of another organization would let one repair, or harm, the other."""
    around: list[tuple[Network, str, str]] = []
    for network, organization, path in sorted(found, key=lambda item: (item[0].version, item[0])):
        while around and not _holds(around[-1][0], network):
            around.pop()
        for outer, owner, place in around:
            if owner != organization:
                line = sheet.line(place)
                sheet.fault(path, f"{network} lies within {outer} of organization {owner}, on line {line}")
        around.append((network, organization, path))


def _holds(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and outer.network_address <= inner.network_address  # type: ignore[operator]
        and inner.broadcast_address <= outer.broadcast_address  # type: ignore[operator]
    )
