"""Which addresses a webhook may reach. A name is looked up once, and what was looked at is what is connected to.

Without this whoever may name a receiver could make the console talk to the machines round it (OWASP, "Server-Side
Request Forgery Prevention Cheat Sheet"), and a name that answers otherwise the second time would pass any check that is
not of the very address of the connection.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from incidents.notices.base import within
from incidents.wire.deadline import Deadline

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# (host, port) -> its addresses as text, as `getaddrinfo` gives them. Raises OSError.
LookUp = Callable[[str, int], Sequence[str]]

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056
# `::a.b.c.d`, deprecated by RFC 4291 section 2.5.5.1; site-local addresses, deprecated by RFC 3879; local-use NAT64,
# RFC 8215. Python calls some of them global.
NEVER = (IPv6Network("::/96"), IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"))
# The last label of a host that is a number: `0x7f000001`, `2130706433`, `0177.0.0.1`, `127.1`. A name never ends so.
NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)")


class NotReachable(Exception):
    """The receiver has no address that we would connect to; the text says why."""


def look_up(host: str, port: int) -> Sequence[str]:
    """By the system's resolver, in its order."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether it lies on the public Internet, or in one of the networks that the settings name."""
    inner = _inner(address)
    if any(inner in network for network in allowed if network.version == inner.version):
        return True
    if isinstance(inner, IPv6Address) and any(inner in network for network in NEVER):
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for; the address itself where it stands for none."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in SIX_TO_FOUR and address.sixtofour is not None:
        return address.sixtofour
    return address


def plain_host(host: str) -> str:
    """The host as it is looked up: without brackets, and without the dot that ends a full name.

    Raises ValueError for a numeric address in a notation that only some programs read.
    """
    bare = host.strip("[]").removesuffix(".").lower()
    address = numeric(bare) if "%" not in bare else None
    if address is not None:
        return str(address)
    if not bare or "%" in bare or ":" in bare or NUMBER.fullmatch(bare.rpartition(".")[2]):
        raise ValueError("write a numeric address as 192.0.2.1 or [2001:db8::1], and nothing else so")
    return bare


def numeric(host: str) -> Address | None:
    """The address, where the host is one and no name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def addresses_of(
    host: str, port: int, allowed: Sequence[Network], deadline: Deadline, resolve: LookUp
) -> list[Address]:
    """Every address of the host, all of which may be reached.

    Raises NotReachable: it has none, one of them may not be reached, or the look-up takes too long.
    """
    literal = numeric(host)
    try:
        texts = [str(literal)] if literal else within(deadline.left(), lambda: resolve(host, port), "look-up")
        found = [ip_address(text.partition("%")[0]) for text in texts]
    except TimeoutError:
        raise NotReachable(f"the name {host} was not found in time") from None
    except (OSError, ValueError):
        raise NotReachable(f"the name {host} was not found") from None
    if not found:
        raise NotReachable(f"the name {host} has no address")
    for address in found:
        if not may_reach(address, allowed):
            raise NotReachable(f"{host} leads to {address}, which is not on the public Internet")
    return found


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks such as `192.0.2.0/24`. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)
