"""GoBGP 3 as a route collector, asked by gRPC for what each of its neighbours has told it (ADJ_IN)."""

from __future__ import annotations

import ipaddress
import os
import threading
import time
from collections.abc import Mapping, Sequence

import grpc

from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.adapters.gobgp_api.gobgp_pb2_grpc import GobgpApiStub
from incidents.domain.errors import ProbeError
from incidents.probes.collectors import View, seconds_until

AS_SEQUENCE = 2  # of AsSegment
OPTIONS: list[tuple[str, int]] = [
    ("grpc.use_local_subchannel_pool", 1),  # a channel made after a failure does not inherit its waiting time
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
]


class GoBgp:
    """A `Collector`. Names of sessions are the addresses of its neighbours.

    Args:
        address: `host:port` of the gRPC interface.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._pid = 0

    def views(self, wanted: Mapping[str, Sequence[str]], seconds: float) -> Mapping[str, View]:
        end = time.monotonic() + seconds
        channel = self._open()
        try:
            stub = GobgpApiStub(channel)  # type: ignore[no-untyped-call]  # generated code bears no types
            return _views(stub, wanted, end)
        except (grpc.RpcError, TimeoutError) as error:
            self._drop(channel)
            raise ProbeError(f"the collector does not answer ({type(error).__name__})") from error

    def origins(self, prefixes: Sequence[str], seconds: float) -> Mapping[str, frozenset[int]]:
        end = time.monotonic() + seconds
        channel = self._open()
        try:
            stub = GobgpApiStub(channel)  # type: ignore[no-untyped-call]  # generated code bears no types
            return _origins(stub, prefixes, end)
        except (grpc.RpcError, TimeoutError) as error:
            self._drop(channel)
            raise ProbeError(f"the collector does not answer ({type(error).__name__})") from error

    def close(self) -> None:
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None and self._pid == os.getpid():
            channel.close()

    def _open(self) -> grpc.Channel:
        """The channel, made after a fork and never before it."""
        with self._lock:
            if self._channel is None or self._pid != os.getpid():
                self._channel, self._pid = grpc.insecure_channel(self._address, OPTIONS), os.getpid()
            return self._channel

    def _drop(self, channel: grpc.Channel) -> None:
        """Leaves a failed channel to those who still use it; a half-open one would swallow every later question."""
        with self._lock:
            if self._channel is channel:
                self._channel = None


def _views(stub: GobgpApiStub, wanted: Mapping[str, Sequence[str]], end: float) -> Mapping[str, View]:
    views: dict[str, View] = {}
    for session, prefixes in wanted.items():
        peers = [answer.peer for answer in stub.ListPeer(_peer(session), timeout=seconds_until(end))]
        states = [peer.state.session_state for peer in peers if peer.conf.neighbor_address == session]
        if not states:
            continue
        up = states[0] == api.PeerState.ESTABLISHED
        seen: set[str] = set()
        for request in _requests(session, prefixes) if up else []:
            for answer in stub.ListPath(request, timeout=seconds_until(end)):
                if any(not path.filtered and not path.stale for path in answer.destination.paths):
                    seen.add(str(ipaddress.ip_network(answer.destination.prefix)))
        views[session] = View(up, frozenset(seen) & frozenset(prefixes))
    return views


def _origins(stub: GobgpApiStub, prefixes: Sequence[str], end: float) -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for request in _requests("", prefixes, api.GLOBAL):
        for answer in stub.ListPath(request, timeout=seconds_until(end)):
            paths = found.setdefault(str(ipaddress.ip_network(answer.destination.prefix)), set())
            paths.update(origin for path in answer.destination.paths if (origin := _origin(path)) is not None)
    return {prefix: frozenset(origins) for prefix, origins in found.items()}


def _origin(path: api.Path) -> int | None:
    """The last AS of the path; None for an empty one, or one that ends in a set."""
    attribute = api.AsPathAttribute()
    for packed in path.pattrs:
        if packed.Unpack(attribute) and attribute.segments and attribute.segments[-1].type == AS_SEQUENCE:
            return attribute.segments[-1].numbers[-1] if attribute.segments[-1].numbers else None
    return None


def _peer(session: str) -> api.ListPeerRequest:
    return api.ListPeerRequest(address=session)


def _requests(session: str, prefixes: Sequence[str], table: api.TableType = api.ADJ_IN) -> list[api.ListPathRequest]:
    """Exact look-ups, of what a neighbour has told where one is named: one request for each address family."""
    requests: dict[int, api.ListPathRequest] = {}
    for prefix in prefixes:
        afi = api.Family.AFI_IP6 if ":" in prefix else api.Family.AFI_IP
        if afi not in requests:
            family = api.Family(afi=afi, safi=api.Family.SAFI_UNICAST)
            requests[afi] = api.ListPathRequest(table_type=table, name=session, family=family)
        requests[afi].prefixes.append(api.TableLookupPrefix(prefix=prefix, type=api.TableLookupPrefix.EXACT))
    return list(requests.values())
