"""Reads the settings of one backend or probe from the inventory; every fault names the setting, never a secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from incidents.domain.errors import InventoryFault

Secret = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the inventory says about one backend or probe, checked piece by piece.

    Raises (every method): InventoryFault with the path `settings.NAME`.
    """

    given: Mapping[str, object]

    @staticmethod
    def of(given: Mapping[str, object], known: frozenset[str]) -> Settings:
        """Refuses names that the kind does not know: a misspelt setting is never silently left out."""
        for name in given:
            if name not in known:
                raise fault(str(name), f"is no setting of this kind; known are {', '.join(sorted(known))}")
        return Settings(given)

    def has(self, name: str) -> bool:
        return name in self.given

    def text(self, name: str) -> str:
        """A setting that must be there, as text."""
        if name not in self.given:
            raise fault(name, "is missing")
        value = self.given[name]
        if not isinstance(value, str) or not value.strip():
            raise fault(name, "must be text and not empty")
        return value

    def flag(self, name: str) -> bool:
        """An optional yes or no; no when it is left out."""
        value = self.given.get(name, False)
        if not isinstance(value, bool):
            raise fault(name, "must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        """One of some words; a fault also when it is left out and has no default."""
        value = self.text(name) if self.has(name) or not default else default
        if value not in choices:
            raise fault(name, f"must be one of: {', '.join(choices)}")
        return value

    def names(self, name: str) -> Mapping[str, str]:
        """A mapping of text to text with at least one entry."""
        if not self.has(name):
            raise fault(name, "is missing")
        value = self.given[name]
        if not isinstance(value, Mapping) or not value:
            raise fault(name, "must name at least one location")
        for key, item in value.items():
            if not isinstance(key, str) or not isinstance(item, str) or not item:
                raise fault(name, f"the entry of {key!r} must be text")
        return dict(value)

    def secret(self, name: str, resolve: Secret) -> str:
        """What stands behind `env:NAME` or `file:PATH`; the text itself is refused, and never repeated."""
        reference = self.text(name)
        if not reference.startswith(("env:", "file:")):
            raise fault(name, "must be a reference, env:NAME or file:PATH, never the secret itself")
        return resolve(reference)

    def socket_address(self, name: str) -> tuple[str, int]:
        """`host:port` with a numeric host, for a look-up of a name may take longer than any budget."""
        text = self.text(name)
        host, port = host_and_port(name, text)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise fault(name, f"the host of {text!r} must be a numeric address") from None
        return host, port


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


def host_and_port(name: str, text: str) -> tuple[str, int]:
    """The parts of `host:port` or `[2001:db8::1]:port`."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not bracketed):
        raise fault(name, f"{text!r} must be host:port")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise fault(name, f"the port of {text!r} must be a number from 1 to 65535")
    return host.strip("[]"), int(port)


def fault(name: str, message: str) -> InventoryFault:
    return InventoryFault(message, path=f"settings.{name}")
