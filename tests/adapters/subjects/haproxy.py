"""A real HAProxy, by TCP and by a Unix socket, with a server-state file."""

from __future__ import annotations

import pytest

from incidents.domain.changes import State
from tests.adapters.haproxies import Proxy, haproxy
from tests.adapters.subjects import Subject
from tests.fakes.sockets import Peer, UnixPeer, closed_address, closed_path

VARIANTS = ("TCP", "Unix socket")
POOL = """
backend shop
  server edge-a 192.0.2.1:80 weight 100
  server edge-b 192.0.2.2:80 weight 100
"""
CLOSED: State = {"weight": 0, "mode": "maint"}


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    proxy = Proxy(POOL)
    request.addfinalizer(proxy.close)
    by_tcp = variant == "TCP"
    return Subject(
        address=proxy.tcp if by_tcp else proxy.unix,
        keys=("shop/edge-a", "shop/edge-b"),
        states=({"weight": 10, "mode": "drain"}, {"weight": 200, "mode": "ready"}),
        nothing=CLOSED,
        make=haproxy,
        settings={"state_file": str(proxy.directory / "state")},
        compares=True,
        peer=Peer if by_tcp else UnixPeer,
        closed=closed_address if by_tcp else closed_path,
    )
