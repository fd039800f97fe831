"""Reads the settings of one backend from the inventory; every fault names the setting, never a secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from incidents.domain.errors import InventoryFault

Secret = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the inventory says about one backend, checked piece by piece.

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
