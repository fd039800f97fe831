"""A GoBGP that misbehaves on demand: the same gRPC service over a real socket, with a table of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.empty_pb2 import Empty

from incidents.adapters.gobgp_api import gobgp_pb2 as api
from incidents.adapters.gobgp_api.gobgp_pb2_grpc import GobgpApiServicer, add_GobgpApiServicer_to_server

MODES = ("ok", "slow", "hang", "stall", "refuse", "lie", "drop_reply", "die", "partial")


class FakeGoBgp(GobgpApiServicer):
    """Start it, talk to `address`, set `mode`, look into `table` and `calls`.

    Modes: `ok`; `slow` (answers after `seconds`); `hang` (does nothing, never answers); `stall` (hangs at
    changes, answers look-ups); `refuse` (does nothing and
    says so); `lie` (does nothing and answers OK); `drop_reply` (does all, then the connection is lost); `die` (does the
    first half of a stream, then the connection is lost); `partial` (does the first half of a stream, then refuses).
    A single DeletePath counts as the second half of its kind: `die` and `partial` do not perform it.

    `table` is {prefix: Path}; a path with a `neighbor_ip` is not the speaker's own. `calls` are the names of the
    methods called, in order.
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.seconds = 0.5
        self.table: dict[str, api.Path] = {}
        self.calls: list[str] = []
        self.address = ""
        self._ended = threading.Event()
        self._server: grpc.Server | None = None

    def start(self, port: int = 0) -> FakeGoBgp:
        self._server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        add_GobgpApiServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]  # generated
        self.address = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()
        return self

    def stop(self) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.stop(0).wait()

    def AddPathStream(self, requests: Iterable[api.AddPathStreamRequest], context: grpc.ServicerContext) -> Empty:
        self.calls.append("AddPathStream")
        paths = [path for request in requests for path in request.paths]
        self._before(context)
        half = len(paths) // 2 if self.mode in ("die", "partial") else len(paths)
        self._announce([] if self.mode == "lie" else paths[:half])
        self._after(context)
        return Empty()

    def AddPath(self, request: api.AddPathRequest, context: grpc.ServicerContext) -> api.AddPathResponse:
        self.calls.append("AddPath")
        self._before(context)
        self._announce([] if self.mode in ("lie", "die", "partial") else [request.path])
        self._after(context)
        return api.AddPathResponse()

    def DeletePath(self, request: api.DeletePathRequest, context: grpc.ServicerContext) -> Empty:
        self.calls.append("DeletePath")
        self._before(context)
        if self.mode not in ("lie", "die", "partial"):
            if request.HasField("path"):
                self.table.pop(_prefix(request.path), None)
            else:  # what the real one does, so that a test of ours would see it
                self.table.clear()
        self._after(context)
        return Empty()

    def ListPath(self, request: api.ListPathRequest, context: grpc.ServicerContext) -> Iterator[api.ListPathResponse]:
        self.calls.append("ListPath")
        if self.mode != "stall":
            self._before(context)
        asked = {lookup.prefix for lookup in request.prefixes} or set(self.table)
        for prefix in asked & set(self.table):
            destination = api.Destination(prefix=prefix, paths=[self.table[prefix]])
            yield api.ListPathResponse(destination=destination)

    def _announce(self, paths: list[api.Path]) -> None:
        for path in paths:
            if path.is_withdraw:
                self.table.pop(_prefix(path), None)
            else:
                kept = api.Path()
                kept.CopyFrom(path)
                kept.neighbor_ip = kept.source_id = "<nil>"
                self.table[_prefix(path)] = kept

    def _before(self, context: grpc.ServicerContext) -> None:
        if self.mode == "slow":
            time.sleep(self.seconds)
        if self.mode in ("hang", "stall"):
            while context.is_active() and not self._ended.wait(0.02):
                pass
            context.abort(grpc.StatusCode.UNAVAILABLE, "the daemon hung")
        if self.mode == "refuse":
            context.abort(grpc.StatusCode.UNKNOWN, "refused on purpose")

    def _after(self, context: grpc.ServicerContext) -> None:
        if self.mode in ("drop_reply", "die"):
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection lost")
        if self.mode == "partial":
            context.abort(grpc.StatusCode.UNKNOWN, "nexthop not found")


def _prefix(path: api.Path) -> str:
    nlri = api.IPAddressPrefix()
    path.nlri.Unpack(nlri)
    return f"{nlri.prefix}/{nlri.prefix_len}"
