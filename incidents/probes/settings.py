"""Reads the settings of one probe from the inventory; every fault names the setting."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from incidents.domain.errors import InventoryFault


def check_names(given: Mapping[str, object], known: frozenset[str]) -> None:
    """Refuses names that the probe does not know. Raises InventoryFault."""
    for name in given:
        if name not in known:
            raise fault(str(name), f"is no setting of this probe; known are {', '.join(sorted(known))}")


def text(given: Mapping[str, object], name: str) -> str:
    """A setting that must be there, as text. Raises InventoryFault."""
    if name not in given:
        raise fault(name, "is missing")
    value = given[name]
    if not isinstance(value, str) or not value.strip():
        raise fault(name, "must be text and not empty")
    return value


def choice(given: Mapping[str, object], name: str, choices: tuple[str, ...], default: str = "") -> str:
    """One of some words. Raises InventoryFault; also when it is left out and has no default."""
    value = text(given, name) if name in given or not default else default
    if value not in choices:
        raise fault(name, f"must be one of: {', '.join(choices)}")
    return value


def names(given: Mapping[str, object], name: str) -> Mapping[str, str]:
    """A mapping of text to text with at least one entry. Raises InventoryFault."""
    if name not in given:
        raise fault(name, "is missing")
    value = given[name]
    if not isinstance(value, Mapping) or not value:
        raise fault(name, "must name at least one location")
    for key, item in value.items():
        if not isinstance(key, str) or not isinstance(item, str) or not item:
            raise fault(name, f"the entry of {key!r} must be text")
    return dict(value)


def endpoint(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, the host numeric: a look-up of a name may take longer than any budget.

    Raises ValueError.
    """
    host, _, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    version = ipaddress.ip_address(bare).version
    if (version == 6) != bracketed or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{address!r} must be a numeric host:port")
    return bare, int(port)


def fault(name: str, message: str) -> InventoryFault:
    return InventoryFault(message, path=f"settings.{name}")
