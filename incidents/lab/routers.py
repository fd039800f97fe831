"""Routes sent straight to the daemons of a real lab.

It speaks to the daemons in its own words and not through our adapters, so that what the lab breaks and heals does not
depend on the code that it is there to test.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.adapters.gobgp_api.gobgp_pb2_grpc import GobgpApiStub
from incidents.lab.edges import Edge, Route
from incidents.lab.faults import LabFault

SECONDS = 10.0
PATHS_IN_A_MESSAGE = 100


def wait_ready(edge: Edge) -> None:
    """Raises LabFault when the daemon does not take calls in time."""
    with grpc.insecure_channel(edge.api) as channel:
        try:
            grpc.channel_ready_future(channel).result(SECONDS)
        except grpc.FutureTimeoutError:
            raise LabFault(f"gobgpd of {edge.location} does not answer at {edge.api}") from None


def announce(address: str, routes: Iterable[Route]) -> None:
    """Makes the router at `host:port` announce all of them; those that it announces already stay."""
    _send(address, [path_of(route) for route in routes])


def withdraw(address: str, routes: Iterable[Route]) -> None:
    """Makes the router withdraw exactly these."""
    paths = [path_of(route) for route in routes]
    for path in paths:
        path.is_withdraw = True
    _send(address, paths)


def _send(address: str, paths: Sequence[api.Path]) -> None:
    messages = [
        api.AddPathStreamRequest(table_type=api.GLOBAL, paths=paths[start : start + PATHS_IN_A_MESSAGE])
        for start in range(0, len(paths), PATHS_IN_A_MESSAGE)
    ]
    with grpc.insecure_channel(address) as channel:
        stub = GobgpApiStub(channel)  # type: ignore[no-untyped-call]  # generated code bears no types
        try:
            stub.AddPathStream(iter(messages), timeout=SECONDS)
        except grpc.RpcError as error:
            raise LabFault(f"the router at {address} does not do it: {error.details()}") from None


def path_of(route: Route) -> api.Path:
    network = ipaddress.ip_network(route.prefix)
    afi = api.Family.AFI_IP if network.version == 4 else api.Family.AFI_IP6
    family = api.Family(afi=afi, safi=api.Family.SAFI_UNICAST)
    nlri = _packed(api.IPAddressPrefix(prefix=str(network.network_address), prefix_len=network.prefixlen))
    number, _, value = route.community.partition(":")
    segment = api.AsSegment(type=2, numbers=[route.origin_as])  # AS_SEQUENCE
    attributes = [
        _packed(api.OriginAttribute(origin=0)),  # IGP
        _packed(api.AsPathAttribute(segments=[segment])),
        _packed(api.CommunitiesAttribute(communities=[(int(number) << 16) + int(value)])),
    ]
    if network.version == 4:
        attributes.append(_packed(api.NextHopAttribute(next_hop=route.next_hop)))
    else:
        attributes.append(_packed(api.MpReachNLRIAttribute(family=family, next_hops=[route.next_hop], nlris=[nlri])))
    return api.Path(nlri=nlri, family=family, pattrs=attributes)


def _packed(message: Message) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed
