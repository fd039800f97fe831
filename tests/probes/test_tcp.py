"""The TCP probe against peers that answer, refuse, hang, hang up and keep silent."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from incidents.domain.errors import InventoryFault
from incidents.domain.verdicts import Mark, Reading
from incidents.lab.lab import Lab
from incidents.probes.base import Point
from incidents.probes.tcp import NO_ADDRESS, Tcp
from tests.fakes.sockets import Peer, closed_address, closing, silent

TOP = Path(__file__).resolve().parent.parent.parent


def tcp(budget_seconds: float = 1, settings: Mapping[str, object] | None = None) -> Tcp:
    return Tcp.from_settings(name="tcp", settings=settings or {}, secret=str, budget_seconds=budget_seconds)


def look(probe: Tcp, address: str) -> Reading:
    return probe.measure([Point(7, "203.0.113.0/24", "edge-a", address)])[7]


def greeting(line: socket.socket, ended: threading.Event) -> None:
    line.sendall(b"ok\n")


def late(line: socket.socket, ended: threading.Event) -> None:
    ended.wait(0.2)
    line.sendall(b"ok\n")


def resetting(line: socket.socket, ended: threading.Event) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    ("meet", "mark", "detail"),
    [
        (greeting, Mark.PASS, "answered"),
        (late, Mark.PASS, "answered"),
        (silent, Mark.FAIL, "connected, but no answer in time"),
        (closing, Mark.FAIL, "the connection was closed without an answer"),
        (resetting, Mark.FAIL, "the connection was reset"),
    ],
)
def test_a_greeting_is_the_proof(meet: Callable[..., None], mark: Mark, detail: str) -> None:
    with Peer(meet) as peer:
        reading = look(tcp(0.4), peer.address)
    assert (reading.mark, reading.detail) == (mark, detail)
    # A reset may come so early that the connection itself is not seen to stand.
    assert (-1 if meet is resetting else 0) <= reading.milliseconds < 5000


@pytest.mark.parametrize(
    ("meet", "mark"),
    [(greeting, Mark.PASS), (silent, Mark.PASS), (closing, Mark.FAIL), (resetting, Mark.FAIL)],
)
def test_an_open_connection_is_the_proof(meet: Callable[..., None], mark: Mark) -> None:
    with Peer(meet) as peer:
        assert look(tcp(settings={"expect": "open"}), peer.address).mark is mark


def test_nobody_listens() -> None:
    assert look(tcp(), closed_address()) == Reading(Mark.FAIL, -1, "the connection was refused")


def test_nobody_takes_the_connection() -> None:
    """A listener whose queue is full answers no SYN, as a host behind a withdrawn prefix does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _ in range(3):
            line = socket.socket()
            line.setblocking(False)
            line.connect_ex(address)
            waiting.append(line)
        began = time.monotonic()
        reading = look(tcp(0.3), f"127.0.0.1:{address[1]}")
        for line in waiting:
            line.close()
    assert reading == Reading(Mark.FAIL, -1, "no connection in time")
    # A connection attempt of the system itself would last for minutes.
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("address", ["", "127.0.0.1", "name:80", "127.0.0.1:0", "127.0.0.1:99999", "::1:80", "[::1:80"])
def test_an_address_that_is_none_is_our_error(address: str) -> None:
    assert look(tcp(), address) == NO_ADDRESS


@pytest.mark.parametrize("left", [0, 20])
def test_without_file_descriptors_it_is_our_error(left: int) -> None:
    """In a process of its own, for pytest needs descriptors too. They are handed out from the lowest free one on."""
    program = f"""
import os, resource
from incidents.probes.base import Point
from incidents.probes.tcp import LOCAL_TROUBLE, Tcp
points = [Point(number, "203.0.113.0/24", "edge-a", "{closed_address()}") for number in range(200)]
probe = Tcp.from_settings(name="tcp", settings={{}}, secret=str, budget_seconds=1)
probe.measure(points)
free = os.open("/", os.O_RDONLY)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free + {left}, 4096))
readings = probe.measure(points)
print(len(readings), list(readings.values()).count(LOCAL_TROUBLE))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True)
    readings, troubled = map(int, done.stdout.split())
    assert readings == 200
    assert troubled == 200 if left == 0 else 100 < troubled < 200


def test_many_points_cost_one_budget() -> None:
    with Peer(silent) as slow, Peer(greeting) as quick:
        addresses = [slow.address if number % 4 == 0 else quick.address for number in range(200)]
        points = [Point(number, "203.0.113.0/24", "edge-a", address) for number, address in enumerate(addresses)]
        began = time.monotonic()
        readings = tcp(2).measure(points)
        # Fifty silent ones, one after the other, would take a hundred seconds.
        assert time.monotonic() - began < 10
    assert [readings[number].mark for number in range(200)] == [
        Mark.FAIL if number % 4 == 0 else Mark.PASS for number in range(200)
    ]


def test_no_points_are_no_readings() -> None:
    assert tcp().measure([]) == {}


def test_it_sees_through_each_location_what_the_collector_sees(healed_lab: Lab) -> None:
    services = healed_lab.facts()["services"]["192.0.2.0/24"]
    points = [Point(number, "192.0.2.0/24", place, services[place]) for number, place in enumerate(services)]
    probe = tcp(2)
    assert [reading.mark for reading in probe.measure(points).values()] == [Mark.PASS] * 3
    healed_lab.break_("one_location")
    time.sleep(0.03)
    assert [reading.mark for reading in probe.measure(points).values()] == [Mark.PASS, Mark.FAIL, Mark.PASS]


@pytest.mark.parametrize(
    ("settings", "path"),
    [({"expect": "hope"}, "settings.expect"), ({"expect": 5}, "settings.expect"), ({"port": 80}, "settings.port")],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        tcp(settings=settings)
    assert fault.value.path == path
