"""Exact prefixes as keys of adapters: one rule for every kind of router."""

from __future__ import annotations

import ipaddress

from incidents.domain.errors import InventoryFault


def exact_prefix(key: str) -> str:
    """The canonical text of an exact prefix. Raises InventoryFault for anything else, and for a default route."""
    try:
        network = ipaddress.ip_network(key) if "/" in key and "%" not in key else None
    except ValueError as error:
        raise InventoryFault(f"{key!r} is no exact prefix: {error}") from None
    if network is None or network.prefixlen == 0:
        raise InventoryFault(f"{key!r} must be an exact prefix such as 203.0.113.0/24")
    return str(network)
