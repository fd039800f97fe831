"""States of prefixes, BIRD's configuration and BIRD's answers, each made from the other. No I/O.

A state is `{"advertised": False}`, or

    {"advertised": True, "next_hop": "192.0.2.1", "as_path": [64496], "origin": "igp",
     "communities": ["64496:100"], "large_communities": ["64496:1:2"], "med": None, "local_pref": None}

with lists, communities sorted as text. A route that carries more than this (an AS_SET, extended communities, a metric
of the kernel) has the names of what is left over under `other_attributes`; such a state can be observed, not written.

Nothing of a state reaches the configuration as the text that it came as: numbers, addresses and the prefix are read
strictly, and written anew from what was read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from incidents.domain.changes import State

ABSENT: State = {"advertised": False}
ORIGINS = {"igp": "ORIGIN_IGP", "egp": "ORIGIN_EGP", "incomplete": "ORIGIN_INCOMPLETE"}
FIELDS = ("advertised", "next_hop", "as_path", "origin", "communities", "large_communities", "med", "local_pref")
# So many of each fit into one BGP message (4,096 octets, RFC 4271 section 4); BIRD leaves out a route that does not.
MOST_ITEMS = 128
# BIRD shows some 470 letters of an AS path and then dots (CLI_MSG_SIZE): a longer one could not be observed.
LONGEST_PATH = 440
LARGEST = 2**32 - 1

# The first line of our file. A file that begins with something else is somebody else's.
MARKER = (
    "# This file belongs to Handrail, which writes it anew. Where it was changed by hand, Handrail refuses its work."
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Protocol:
    """One generated `protocol static`. Name and table are checked words of BIRD's; no table means BIRD's own."""

    version: int
    name: str
    table: str = ""


def statement(prefix: str, state: State) -> str:
    """The line of configuration that makes `state` so.

    Raises:
        ValueError: the state is not exactly what an observation of that route would give.
    """
    network = ipaddress.ip_network(prefix)
    fields = {name for name in state if name not in FIELDS}
    if fields or state.get("advertised") is not True:
        raise ValueError(f"the state holds what cannot be written: {', '.join(sorted(fields)) or 'advertised'}"[:120])
    origin = state.get("origin")
    if not isinstance(origin, str) or origin not in ORIGINS:
        raise ValueError("origin must be igp, egp or incomplete")
    parts = [
        f"bgp_next_hop = {_next_hop(state, network.version)};",
        f"bgp_origin = {ORIGINS[origin]};",
        "bgp_path.empty;",
        *(f"bgp_path.prepend({number});" for number in reversed(_as_path(state))),
    ]
    for field, attribute, count, largest in (
        ("communities", "bgp_community", 2, 0xFFFF),
        ("large_communities", "bgp_large_community", 3, LARGEST),
    ):
        parts += [f"{attribute}.add(({text}));" for text in _communities(state, field, count, largest)]
    for field, attribute in (("med", "bgp_med"), ("local_pref", "bgp_local_pref")):
        value = state.get(field, "")
        if value is not None:
            parts.append(f"{attribute} = {_number(value, field)};")
    return f"route {network} unreachable {{ {' '.join(parts)} }};"


def file_text(protocols: Iterable[Protocol], routes: Mapping[str, State]) -> str:
    """The whole file: a static protocol for each address family, with these routes. Raises ValueError."""
    lines = [MARKER]
    for protocol in protocols:
        table = f" table {protocol.table};" if protocol.table else ""
        lines += [
            f"protocol static {protocol.name} {{",
            f"  ipv{protocol.version} {{{table} import all; export none; }};",
        ]
        family = [prefix for prefix in routes if version_of(prefix) == protocol.version]
        lines += [f"  {statement(prefix, routes[prefix])}" for prefix in sorted(family)]
        lines.append("}")
    return "\n".join(lines) + "\n"


def content_of(text: str, but_for: Iterable[str] = ()) -> set[str]:
    """What a file says: its lines without comments, and without the routes of some prefixes."""
    beginnings = tuple(f"route {prefix} " for prefix in but_for)
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if line and not line.startswith(("#", *beginnings))}


def version_of(prefix: str) -> int:
    return 6 if ":" in prefix else 4


def states_of(lines: Iterable[str]) -> dict[str, State]:
    """The states that an answer to `show route ... all` tells of, by canonical prefix."""
    found: dict[str, list[str]] = {}
    attributes: list[str] = []
    for line in lines:
        if line.startswith("\t\t") and attributes:  # a list of communities goes on
            attributes[-1] += f" {line.strip()}"
        elif line.startswith("\t"):
            attributes.append(line.strip())
        elif line[:1].isspace():  # another route to the same prefix, which our own protocols never hold
            attributes.append("second route: ")
        elif "/" in (prefix := line.partition(" ")[0]):
            attributes = found[str(ipaddress.ip_network(prefix))] = []
    return {prefix: _state(tuple(attributes)) for prefix, attributes in found.items()}


@lru_cache(maxsize=1024)
def _state(attributes: tuple[str, ...]) -> State:
    """The state of a route with these lines. The lists in it are shared between equal states: do not change them."""
    state: dict[str, object] = {
        "advertised": True,
        "next_hop": "",
        "as_path": [],
        "origin": "incomplete",
        "communities": [],
        "large_communities": [],
        "med": None,
        "local_pref": None,
    }
    others: list[str] = []
    for line in attributes:
        name, _, text = line.partition(":")
        if name == "Type":
            continue
        field, read = _READERS.get(name, ("", _unreadable))
        try:
            state[field] = read(text.strip())
        except ValueError:
            others.append(name.partition(" ")[0].removeprefix("BGP.") if name != "second route" else name)
    if others:
        state["other_attributes"] = sorted(others)
    return state  # type: ignore[return-value]  # built from text, integers and lists only


def _unreadable(text: str) -> object:
    raise ValueError("this attribute cannot be written by us")


def _read_origin(text: str) -> object:
    if text.lower() not in ORIGINS:
        raise ValueError("no origin")
    return text.lower()


def _read_communities(text: str) -> object:
    """`(64496,100) (65535,666)`, or `(64496, 1, 2) (64496, 1, 3)`."""
    inner = re.findall(r"\(([\d, ]+)\)", text)
    if re.sub(r"\([\d, ]+\)", "", text).strip():
        raise ValueError("something else stands between the communities")
    return sorted(":".join(part.strip() for part in item.split(",")) for item in inner)


_READERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "BGP.origin": ("origin", _read_origin),
    "BGP.as_path": ("as_path", lambda text: [int(word) for word in text.split()]),
    # A second, link-local next hop (RFC 2545) is something that we could not write back.
    "BGP.next_hop": ("next_hop", lambda text: str(ipaddress.ip_address(text))),
    "BGP.med": ("med", int),
    "BGP.local_pref": ("local_pref", int),
    "BGP.community": ("communities", _read_communities),
    "BGP.large_community": ("large_communities", _read_communities),
}


def _next_hop(state: State, version: int) -> Address:
    text = state.get("next_hop")
    # Python takes any text after a % for the zone of an IPv6 address.
    if not isinstance(text, str) or "%" in text:
        raise ValueError("next_hop must be an address")
    hop = ipaddress.ip_address(text)
    if hop.version != version:
        raise ValueError(f"next_hop {hop} is of another address family")
    mapped = isinstance(hop, ipaddress.IPv6Address) and hop.ipv4_mapped is not None
    if mapped or hop.is_unspecified or hop.is_link_local or hop.is_multicast:
        raise ValueError(f"neighbours would not take {hop} as a next_hop")
    if str(hop) != text:
        raise ValueError(f"next_hop must be written as {hop}")
    return hop


def _as_path(state: State) -> list[int]:
    # 0 is no AS (RFC 7607).
    numbers = [_number(item, "as_path", 1) for item in _items(state, "as_path")]
    if len(" ".join(map(str, numbers))) > LONGEST_PATH:
        raise ValueError("as_path is longer than what BIRD shows")
    return numbers


def _communities(state: State, field: str, count: int, largest: int) -> list[str]:
    """As BIRD writes them, `64496,100`."""
    items = _items(state, field)
    written: list[str] = []
    for item in items:
        parts = item.split(":") if isinstance(item, str) else []
        numbers = [int(part) for part in parts if re.fullmatch(r"[0-9]{1,10}", part) and int(part) <= largest]
        if len(parts) != count or ":".join(map(str, numbers)) != item:
            raise ValueError(f"{field} must hold texts of {count} numbers from 0 to {largest}")
        written.append(",".join(map(str, numbers)))
    if list(items) != sorted({str(item) for item in items}):
        raise ValueError(f"{field} must be sorted as text, each of them once")
    return written


def _items(state: State, field: str) -> list[object]:
    value = state.get(field)
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise ValueError(f"{field} must be a list of at most {MOST_ITEMS}")
    return list(value)


def _number(value: object, field: str, smallest: int = 0) -> int:
    if type(value) is not int or not smallest <= value <= LARGEST:
        raise ValueError(f"{field} must hold a number from {smallest} to {LARGEST}")
    return value
