"""Where a request comes from, as coarse as limits and the audit log need it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

# One customer of an access network usually gets one IPv4 address of a /24, or a whole /56 of IPv6 (RIPE-690 section
# 4.2), so these are what one person can change within.
IPV4_BITS, IPV6_BITS = 24, 56


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Args:
        network: such as `192.0.2.0/24`; empty where the address is unknown.
        known: whether it lies in one of the operator's own networks.
    """

    network: str
    known: bool = False


def origin_of(address: str, known: Iterable[str] = ()) -> Origin:
    """The network of an address. What is no address has the empty network, which all such share."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return Origin("")
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    bits = IPV4_BITS if ip.version == 4 else IPV6_BITS
    network = ipaddress.ip_network(f"{ip}/{bits}", strict=False)
    return Origin(str(network), any(ip in ipaddress.ip_network(one) for one in known))
