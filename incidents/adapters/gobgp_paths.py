"""States of prefixes and GoBGP's messages, each made from the other. No I/O.

A state is `{"advertised": False}`, or

    {"advertised": True, "next_hop": "192.0.2.1", "as_path": [64496], "origin": "igp",
     "communities": ["64496:100"], "large_communities": ["64496:1:2"], "med": None, "local_pref": None}

with lists, communities sorted as text. A path that carries more than this (an AS_SET, extended communities)
has the names of what is left over under `other_attributes`; such a state can be observed but not written.

This module alone builds DeletePathRequest: one with neither path nor uuid deletes EVERY route of the speaker
(GoBGP's own handler says so, and 3.10 did it when tried), so there is no way here to build one without a path.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import DecodeError, Message

from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.domain.changes import State

ABSENT: State = {"advertised": False}

# RFC 4271 section 5.1.1, in the order of the values 0, 1, 2.
ORIGINS = ("igp", "egp", "incomplete")
# RFC 4271 section 4.3: AS_SEQUENCE. Sets (1) are deprecated by RFC 9774 and not written by us.
AS_SEQUENCE = 2

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
M = TypeVar("M", bound=Message)


def family_of(version: int) -> api.Family:
    afi = api.Family.AFI_IP if version == 4 else api.Family.AFI_IP6
    return api.Family(afi=afi, safi=api.Family.SAFI_UNICAST)


def lookups(prefixes: Iterable[str]) -> list[api.ListPathRequest]:
    """Exact look-ups in the global table: one request for each address family among the prefixes."""
    requests: dict[int, api.ListPathRequest] = {}
    for prefix in prefixes:
        version = 6 if ":" in prefix else 4
        if version not in requests:
            requests[version] = api.ListPathRequest(table_type=api.GLOBAL, family=family_of(version))
        requests[version].prefixes.add(prefix=prefix, type=api.TableLookupPrefix.EXACT)
    return list(requests.values())


def announcement(prefix: str, state: State) -> api.Path:
    """The path that makes `state` so.

    Raises:
        ValueError: the state is not exactly what an observation of that path would give.
    """
    network = ipaddress.ip_network(prefix)
    hop = ipaddress.ip_address(_text(state, "next_hop"))
    if hop.version != network.version:
        raise ValueError(f"next_hop {hop} is of another address family")
    path = _path(network, str(hop))
    path.pattrs.extend(_attributes(json.dumps(dict(state), sort_keys=True)))
    if state_of(path) != state:
        raise ValueError("the state cannot be written exactly: something is missing, unsorted or unknown in it")
    return path


def withdrawal(prefix: str) -> api.DeletePathRequest:
    """The request that withdraws one prefix, whatever its attributes.

    The path carries an unspecified next hop because GoBGP refuses to delete by a path without one.
    """
    network = ipaddress.ip_network(prefix)
    nowhere = "0.0.0.0" if network.version == 4 else "::"  # noqa: S104 - no listener, an empty next hop
    request = api.DeletePathRequest(
        table_type=api.GLOBAL, family=family_of(network.version), path=_path(network, nowhere)
    )
    if not request.path.nlri.value:
        raise ValueError("a withdrawal without a path would withdraw everything")
    return request


def state_of(path: api.Path) -> State:
    """What a path of the global table says. The lists in it are shared between equal states: do not change them."""
    return _state(tuple((packed.type_url, packed.value) for packed in path.pattrs))


def is_local(path: api.Path) -> bool:
    """Originated by the speaker itself: then there is no neighbour, which GoBGP 3 writes as `<nil>`."""
    try:
        return ipaddress.ip_address(path.neighbor_ip).is_unspecified
    except ValueError:
        return not path.is_from_external


def _path(network: Network, next_hop: str) -> api.Path:
    nlri = _pack(api.IPAddressPrefix(prefix=str(network.network_address), prefix_len=network.prefixlen))
    family = family_of(network.version)
    if network.version == 4:
        hop = _pack(api.NextHopAttribute(next_hop=next_hop))
    else:  # RFC 4760: the next hop of IPv6 travels in MP_REACH_NLRI
        hop = _pack(api.MpReachNLRIAttribute(family=family, next_hops=[next_hop], nlris=[nlri]))
    return api.Path(nlri=nlri, family=family, pattrs=[hop])


# A thousand prefixes of one customer share a handful of attribute sets, and packing one costs more than all the rest.
@lru_cache(maxsize=1024)
def _attributes(text: str) -> tuple[Packed, ...]:
    """All attributes of a state but its next hop; the state comes as JSON. Raises ValueError."""
    state: State = json.loads(text)
    attributes: list[Message] = [api.OriginAttribute(origin=ORIGINS.index(_text(state, "origin")))]
    numbers = _items(state, "as_path", int)
    if numbers:
        segment = api.AsSegment(type=AS_SEQUENCE, numbers=numbers)
        attributes.append(api.AsPathAttribute(segments=[segment]))
    communities = [_numbers(item, 2, 16) for item in _items(state, "communities", str)]
    if communities:
        values = [(first << 16) + second for first, second in communities]
        attributes.append(api.CommunitiesAttribute(communities=values))
    large = [_numbers(item, 3, 32) for item in _items(state, "large_communities", str)]
    if large:
        items = [api.LargeCommunity(global_admin=a, local_data1=b, local_data2=c) for a, b, c in large]
        attributes.append(api.LargeCommunitiesAttribute(communities=items))
    med, preference = state.get("med"), state.get("local_pref")
    if type(med) is int:
        attributes.append(api.MultiExitDiscAttribute(med=med))
    if type(preference) is int:
        attributes.append(api.LocalPrefAttribute(local_pref=preference))
    return tuple(_pack(attribute) for attribute in attributes)


@lru_cache(maxsize=1024)
def _state(attributes: tuple[tuple[str, bytes], ...]) -> State:
    """The state of a path with these attributes, each as its type and its bytes."""
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
    for type_url, value in attributes:
        name = type_url.rpartition(".")[2]
        read = _READERS.get(name)
        found = read(Packed(type_url=type_url, value=value)) if read else None
        if found is None:
            others.append(name)
        else:
            state.update(found)
    if others:
        state["other_attributes"] = sorted(others)
    return state  # type: ignore[return-value]  # built from text, integers and lists only


def _read_origin(packed: Packed) -> Mapping[str, object] | None:
    value = _unpack(packed, api.OriginAttribute()).origin
    return {"origin": ORIGINS[value]} if value < len(ORIGINS) else None


def _read_as_path(packed: Packed) -> Mapping[str, object] | None:
    segments = _unpack(packed, api.AsPathAttribute()).segments
    if any(segment.type != AS_SEQUENCE for segment in segments):
        return None
    return {"as_path": [number for segment in segments for number in segment.numbers]}


def _read_communities(packed: Packed) -> Mapping[str, object]:
    values = _unpack(packed, api.CommunitiesAttribute()).communities
    return {"communities": sorted(f"{value >> 16}:{value & 0xFFFF}" for value in values)}


def _read_large_communities(packed: Packed) -> Mapping[str, object]:
    values = _unpack(packed, api.LargeCommunitiesAttribute()).communities
    return {"large_communities": sorted(f"{v.global_admin}:{v.local_data1}:{v.local_data2}" for v in values)}


def _read_mp_reach(packed: Packed) -> Mapping[str, object] | None:
    hops = _unpack(packed, api.MpReachNLRIAttribute()).next_hops
    # A second, link-local next hop (RFC 2545) is something that we could not write back.
    return {"next_hop": hops[0]} if len(hops) == 1 else None


_READERS: Mapping[str, Callable[[Packed], Mapping[str, object] | None]] = {
    "OriginAttribute": _read_origin,
    "AsPathAttribute": _read_as_path,
    "CommunitiesAttribute": _read_communities,
    "LargeCommunitiesAttribute": _read_large_communities,
    "MpReachNLRIAttribute": _read_mp_reach,
    "NextHopAttribute": lambda packed: {"next_hop": _unpack(packed, api.NextHopAttribute()).next_hop},
    "MultiExitDiscAttribute": lambda packed: {"med": _unpack(packed, api.MultiExitDiscAttribute()).med},
    "LocalPrefAttribute": lambda packed: {"local_pref": _unpack(packed, api.LocalPrefAttribute()).local_pref},
}


def _pack(message: Message) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed


def _unpack(packed: Packed, into: M) -> M:
    if not packed.Unpack(into):
        raise DecodeError(f"{packed.TypeName()} is not {into.DESCRIPTOR.full_name}")
    return into


def _text(state: State, field: str) -> str:
    value = state.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field} is missing")
    return value


T = TypeVar("T", int, str)


def _items(state: State, field: str, kind: type[T]) -> Sequence[T]:
    value = state.get(field)
    if not isinstance(value, list) or not all(type(item) is kind for item in value):
        raise ValueError(f"{field} must be a list")
    return value


def _numbers(text: str, count: int, bits: int) -> tuple[int, ...]:
    """The parts of a community such as `64496:100`."""
    parts = text.split(":")
    if len(parts) != count or not all(part.isascii() and part.isdigit() and int(part) < 1 << bits for part in parts):
        raise ValueError(f"{text!r} is no community of {count} numbers")
    return tuple(int(part) for part in parts)
