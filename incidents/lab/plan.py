"""What of a lab is to be started, and where."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from incidents.lab import nameserver, ports
from incidents.lab.demo import PLACES
from incidents.lab.edges import Edge
from incidents.lab.parts import Part

# sun_path of unix(7) holds 108 bytes with the zero at its end. HAProxy needs some for `.PID.tmp` while it starts.
LONGEST_SOCKET_PATH = 107
LONGEST_OF_HAPROXY = 90
# Last parts of the addresses where the name of the shop may lead, ours and somebody else's.
RIGHT_HOME, WRONG_HOME = 21, 22
# Where a system has one loopback address alone: here nobody answers.
NOBODY = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be started, with all addresses chosen.

    Args:
        routers: with their collector; real ones or not.
        repository: with its deployer.
        balancer: with its origins.
        nameserver: of the name of the shop.
        control: `host:port` of the world; port 0 lets it choose.
        edges: the routers; of no meaning where they are simulated.
        bird, haproxy: control sockets of the two.
        pdns: folder of the control socket of the name server.
    """

    directory: Path
    routers: Part
    repository: Part
    balancer: Part
    nameserver: Part
    control: str
    neighbours: str
    edges: tuple[Edge, ...]
    bird: Path
    haproxy: Path
    pdns: Path

    @staticmethod
    def of(directory: Path, *, simulated: bool, port: int) -> Plan:
        """Raises LabFault when `port` is in use."""
        if port:
            ports.check_free("127.0.0.1", port)
        neighbours = ports.neighbourhood()
        alone = "" if neighbours else "this system has no other loopback address than 127.0.0.1"
        return Plan(
            directory=directory,
            routers=Part.of("gobgpd", "bird", simulated=simulated, hindrance=alone),
            repository=Part.of("git", simulated=simulated),
            balancer=Part.of("haproxy", simulated=simulated),
            nameserver=Part.of("pdns_server", simulated=simulated, hindrance=nameserver.hindrance()),
            control=f"127.0.0.1:{port}",
            neighbours=neighbours,
            edges=tuple(_edge(place.name, neighbours, number) for number, place in enumerate(PLACES, 1)),
            bird=_socket_path(directory, "bird.ctl", LONGEST_SOCKET_PATH),
            haproxy=_socket_path(directory, "haproxy.ctl", LONGEST_OF_HAPROXY),
            pdns=_socket_path(directory, "pdns", LONGEST_SOCKET_PATH - len("/pdns.controlsocket")),
        )

    def host(self, location: str) -> str:
        """The address of everything that is looked at through a location."""
        return next(edge.host for edge in self.edges if edge.location == location)

    @property
    def home(self) -> dict[str, str]:
        """Addresses where the name of the shop may lead: `right`, and `wrong`, where somebody else is or nobody."""
        wrong = ports.host(self.neighbours, WRONG_HOME) if self.neighbours else NOBODY
        return {"right": ports.host(self.neighbours, RIGHT_HOME), "wrong": wrong}

    @property
    def parts(self) -> dict[str, Part]:
        return {
            "routers": self.routers,
            "repository": self.repository,
            "balancer": self.balancer,
            "nameserver": self.nameserver,
        }


def _edge(location: str, neighbours: str, number: int) -> Edge:
    host = ports.host(neighbours, number)
    return Edge(location, host, ports.free_port(host), ports.free_port(host))


def _socket_path(directory: Path, name: str, longest: int) -> Path:
    path = directory / name
    if len(str(path).encode()) <= longest:
        return path
    mark = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"handrail-lab-{mark}-{name}"
