"""The route probe on a real BIRD, a real GoBGP and the simulated collector."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.domain.errors import InventoryFault, ProbeError
from incidents.domain.verdicts import Mark
from incidents.lab import edges, ports, processes, routers
from incidents.lab.edges import Edge
from incidents.lab.edges import Route as Announced
from incidents.lab.lab import Lab
from incidents.probes import route as words
from incidents.probes.base import Point
from incidents.probes.route import Route
from tests.fakes.sockets import Peer, closed_address, dripping, silent
from tests.lab_fixtures import need

KEY, SIX, ABSENT = "203.0.113.0/24", "2001:db8:100::/48", "203.0.113.0/25"
PLACES = ("edge-a", "edge-b", "edge-c")


def route(settings: Mapping[str, object], budget_seconds: float = 2) -> Route:
    return Route.from_settings(name="collector", settings=settings, secret=str, budget_seconds=budget_seconds)


def points(*prefixes: str, places: tuple[str, ...] = PLACES) -> list[Point]:
    pairs = [(prefix, place) for prefix in prefixes for place in places]
    return [Point(number, prefix, place) for number, (prefix, place) in enumerate(pairs)]


def marks(probe: Route, *prefixes: str, places: tuple[str, ...] = PLACES) -> list[Mark]:
    readings = probe.measure(points(*prefixes, places=places))
    return [readings[number].mark for number in sorted(readings)]


def bird_settings(lab: Lab) -> dict[str, object]:
    collector = lab.facts()["collector"]
    return {"collector": "bird", "socket": collector["socket"], "locations": collector["sessions"]}


@pytest.fixture
def bird(healed_lab: Lab) -> Iterator[Route]:
    probe = route(bird_settings(healed_lab))
    yield probe
    probe.close()
    probe.close()


def test_bird_sees_exact_prefixes_of_both_families(bird: Route) -> None:
    assert marks(bird, KEY, SIX) == [Mark.PASS] * 6
    assert marks(bird, ABSENT, "203.0.112.0/23") == [Mark.FAIL] * 6


def test_bird_tells_the_locations_apart(healed_lab: Lab, bird: Route) -> None:
    healed_lab.break_("one_location")
    assert marks(bird, "192.0.2.0/24") == [Mark.PASS, Mark.FAIL, Mark.PASS]


@pytest.mark.parametrize("more", [0, 40], ids=["look-ups", "the whole table"])
def test_bird_hears_every_origin_also_one_that_is_not_ours(healed_lab: Lab, bird: Route, more: int) -> None:
    edge = healed_lab.facts()["edges"]["edge-b"]["api"]
    stranger = Announced(KEY, 64666, "64666:1", "198.18.255.1")
    routers.announce(edge, [stranger])
    asked = [KEY, SIX, ABSENT, *(f"10.9.{number}.0/24" for number in range(more))]
    end = time.monotonic() + 5
    while (heard := bird.origins(asked))[KEY] != {64496, 64666} and time.monotonic() < end:
        time.sleep(0.02)
    assert {prefix: set(heard[prefix]) for prefix in (KEY, SIX, ABSENT)} == {
        KEY: {64496, 64666},
        SIX: {64496},
        ABSENT: set(),
    }


def test_a_whole_table_says_the_same_as_single_look_ups(bird: Route) -> None:
    many = [f"198.51.{number}.0/24" for number in range(80, 120)]
    asked = points(*many, KEY, SIX)
    readings = bird.measure(asked)
    seen = {(asked[number].prefix, asked[number].location) for number in readings if readings[number].mark is Mark.PASS}
    assert seen == {(prefix, place) for prefix in (KEY, SIX, "198.51.100.0/24") for place in PLACES}
    assert len(readings) == len(asked)


def test_points_that_cannot_be_looked_at_are_errors_and_the_others_are_read(bird: Route) -> None:
    readings = bird.measure(
        [Point(1, KEY, "edge-a"), Point(2, KEY, "elsewhere"), Point(3, "down; configure", "edge-a")]
    )
    assert readings == {1: words.IN_TABLE, 2: words.NO_SESSION, 3: words.NO_PREFIX}
    assert bird.measure([]) == {}


def test_a_session_that_bird_does_not_know_is_an_error(healed_lab: Lab) -> None:
    probe = route({**bird_settings(healed_lab), "locations": {"edge-a": "edge_z"}})
    assert probe.measure(points(KEY, places=("edge-a",))) == {0: words.NO_SESSION}
    probe.close()


def test_a_session_that_is_down_proves_nothing(tmp_path: Path) -> None:
    need("gobgpd", "bird")
    with Lab(tmp_path / "lab") as lab:
        probe = route(bird_settings(lab))
        assert marks(probe, KEY) == [Mark.PASS] * 3
        os.kill(lab.facts()["processes"]["edge-b"]["pid"], signal.SIGKILL)
        end = time.monotonic() + 5
        while (seen := marks(probe, KEY)) != [Mark.PASS, Mark.INCONCLUSIVE, Mark.PASS] and time.monotonic() < end:
            time.sleep(0.02)
        assert seen == [Mark.PASS, Mark.INCONCLUSIVE, Mark.PASS]
        while not lab.ended() and time.monotonic() < end:
            time.sleep(0.02)
        assert lab.ended() == ["edge-b"]
        os.kill(lab.facts()["processes"]["collector"]["pid"], signal.SIGSTOP)
        quick = route(bird_settings(lab), budget_seconds=0.3)
        for one in (probe, quick):
            began = time.monotonic()
            with pytest.raises(ProbeError):
                one.measure(points(KEY))
            assert time.monotonic() - began < 10
        os.kill(lab.facts()["processes"]["collector"]["pid"], signal.SIGCONT)
        assert marks(probe, KEY)[0] is Mark.PASS
        probe.close()
        quick.close()


def test_threads_may_share_it(bird: Route) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: marks(bird, KEY), range(50))) == [[Mark.PASS] * 3] * 50


def test_the_probe_may_not_change_the_collector(healed_lab: Lab) -> None:
    """`restrict` is sent first: what follows on that connection could not even stop a session."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2)
        line.connect(healed_lab.facts()["collector"]["socket"])
        line.sendall(b"restrict\ndisable edge_a\n")
        said = b""
        while said.count(b"\n") < 3:
            said += line.recv(4096)
    assert b"8007 Access denied" in said


def test_a_bird_that_is_not_there(tmp_path: Path) -> None:
    probe = route({"collector": "bird", "socket": str(tmp_path / "none"), "locations": {"edge-a": "edge_a"}})
    with pytest.raises(ProbeError):
        probe.measure(points(KEY, places=("edge-a",)))


def test_a_bird_that_hangs_up_in_between_is_asked_anew(tmp_path: Path) -> None:
    """BIRD was restarted since the last round: the first question finds a dead connection, and asks on a new one."""
    path = str(tmp_path / "bird.ctl")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        for _ in range(2):
            line, _ = listener.accept()
            with line, line.makefile("rwb") as file:
                for answer in (b"0001 BIRD ready.\n", b"0016 Access restricted\n"):
                    file.write(answer)
                file.flush()
                file.readline()
                file.readline()
                file.write(b"2002-Name Proto Table State Since Info\n1002-edge_a BGP --- up 10:00 Established\n0000 \n")
                file.flush()
                file.readline()
                file.write(b"8001 Network not found\n")
                file.flush()

    thread = threading.Thread(target=serve)
    thread.start()
    probe = route({"collector": "bird", "socket": path, "locations": {"edge-a": "edge_a"}})
    assert marks(probe, KEY, places=("edge-a",)) == [Mark.FAIL]
    assert marks(probe, KEY, places=("edge-a",)) == [Mark.FAIL]
    thread.join()
    probe.close()
    listener.close()


@pytest.fixture(scope="module")
def gobgp_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Edge, Edge]]:
    """A GoBGP that collects, a GoBGP that announces, and the address of a neighbour that never comes up."""
    need("gobgpd")
    directory = tmp_path_factory.mktemp("collector")
    neighbours = ports.neighbourhood()
    edge, collector = (
        Edge(name, ports.host(neighbours, number), *(ports.free_port(ports.host(neighbours, number)) for _ in "ab"))
        for number, name in enumerate(("edge", "collector"), 1)
    )
    (directory / "edge.toml").write_text(edges.configuration(edge, collector.host, collector.bgp_port))
    calling = edges.configuration(collector, edge.host, edge.bgp_port).replace("passive-mode = true", "")
    dead = edges.configuration(collector, ports.host(neighbours, 3), 9).partition("[[neighbors]]")
    (directory / "collector.toml").write_text(calling + dead[1] + dead[2])
    programs = [
        processes.start(one.location, edges.arguments("gobgpd", one, f"{one.location}.toml"), directory)
        for one in (edge, collector)
    ]
    for one in (edge, collector):
        routers.wait_ready(one)
    yield collector.api, edge, Edge("dead", ports.host(neighbours, 3), 9, 9)
    processes.stop(programs)


def test_gobgp_as_a_collector(gobgp_collector: tuple[str, Edge, Edge]) -> None:
    address, edge, dead = gobgp_collector
    announced = [
        Announced(KEY, 64496, "64496:100", "198.18.255.1"),
        Announced(SIX, 64496, "64496:100", "2001:db8:ffff::1"),
    ]
    routers.announce(edge.api, announced)
    locations = {"edge-a": edge.host, "edge-b": dead.host, "edge-c": "192.0.2.99"}
    probe = route({"collector": "gobgp", "address": address, "locations": locations})
    wanted = [Mark.PASS, Mark.INCONCLUSIVE, Mark.ERROR]
    end = time.monotonic() + 30
    while (seen := marks(probe, KEY)) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert seen == wanted
    assert marks(probe, SIX, ABSENT, places=("edge-a",)) == [Mark.PASS, Mark.FAIL]
    assert {prefix: set(heard) for prefix, heard in probe.origins([KEY, SIX, ABSENT]).items()} == {
        KEY: {64496},
        SIX: {64496},
        ABSENT: set(),
    }
    routers.withdraw(edge.api, announced)
    end = time.monotonic() + 5
    while marks(probe, KEY, places=("edge-a",)) != [Mark.FAIL] and time.monotonic() < end:
        time.sleep(0.02)
    assert marks(probe, KEY, SIX, places=("edge-a",)) == [Mark.FAIL, Mark.FAIL]
    probe.close()
    probe.close()


def simulated_settings(address: str) -> dict[str, object]:
    return {"collector": "simulated", "address": address, "locations": {place: place for place in PLACES}}


def test_the_simulated_collector(simulated_lab: Lab) -> None:
    address = simulated_lab.facts()["world"]["address"]
    probe = route(simulated_settings(address))
    simulated_lab.break_("one_location")
    assert marks(probe, "192.0.2.0/24", KEY, SIX) == [Mark.PASS, Mark.FAIL, Mark.PASS] + [Mark.PASS] * 6
    simulated_lab.session("edge-c", up=False)
    assert marks(probe, KEY) == [Mark.PASS, Mark.PASS, Mark.INCONCLUSIVE]
    simulated_lab.heal()
    assert marks(probe, KEY) == [Mark.PASS] * 3
    probe.close()


@pytest.mark.parametrize("collector", ["simulated", "gobgp"])
def test_a_collector_that_does_not_answer_in_time_is_no_measurement(collector: str) -> None:
    locations = {"edge-a": "192.0.2.1"}
    for meet in (silent, dripping):
        with Peer(meet) as peer:
            settings = {"collector": collector, "address": peer.address, "locations": locations}
            probe = route(settings, budget_seconds=0.3)
            began = time.monotonic()
            with pytest.raises(ProbeError):
                probe.measure(points(KEY, places=("edge-a",)))
            # One byte a second would keep it for ever.
            assert time.monotonic() - began < 5
            probe.close()
    probe = route({"collector": collector, "address": closed_address(), "locations": locations})
    with pytest.raises(ProbeError):
        probe.measure(points(KEY, places=("edge-a",)))
    probe.close()


LOCATIONS = {"edge-a": "edge_a"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.collector"),
        ({"collector": "frr"}, "settings.collector"),
        ({"collector": "bird", "locations": LOCATIONS}, "settings.socket"),
        ({"collector": "bird", "socket": "/x"}, "settings.locations"),
        ({"collector": "bird", "socket": "/x", "locations": {}}, "settings.locations"),
        ({"collector": "bird", "socket": "/x", "locations": ["edge-a"]}, "settings.locations"),
        ({"collector": "bird", "socket": "/x", "locations": {"edge-a": 5}}, "settings.locations"),
        ({"collector": "bird", "socket": "/x", "locations": {"edge-a": "x\ndown"}}, "settings.locations"),
        ({"collector": "bird", "socket": "/x", "locations": LOCATIONS, "address": "x"}, "settings.address"),
        ({"collector": "gobgp", "locations": LOCATIONS}, "settings.address"),
        ({"collector": "gobgp", "address": "name:1", "locations": LOCATIONS}, "settings.address"),
        ({"collector": "gobgp", "address": "127.0.0.1:1", "locations": LOCATIONS}, "settings.locations"),
        ({"collector": "simulated", "address": "127.0.0.1", "locations": LOCATIONS}, "settings.address"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        route(settings)
    assert fault.value.path == path
