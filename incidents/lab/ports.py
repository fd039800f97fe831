"""Addresses and ports of the loopback network, chosen by binding."""

from __future__ import annotations

import errno
import os
import socket

from incidents.lab.faults import LabFault

TRIES = 20


def neighbourhood() -> str:
    """The first three parts of 127.x.y.z for one lab, so that two labs on a machine rarely share addresses."""
    if not _can_bind("127.64.0.1"):
        return ""  # a system with 127.0.0.1 alone: everything lives there, told apart by port
    number = int.from_bytes(os.urandom(2), "big")
    return f"127.{64 + number % 128}.{(number >> 8) % 256}"


def host(neighbours: str, number: int) -> str:
    return f"{neighbours}.{number}" if neighbours else "127.0.0.1"


def free_port(address: str) -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def free_port_of_both(address: str) -> int:
    """The same, for datagrams as well, as a name server needs it. Raises LabFault."""
    for _ in range(TRIES):
        port = free_port(address)
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise LabFault(f"no port of {address} is free for datagrams too")


def check_free(address: str, port: int) -> None:
    """Raises LabFault when the port cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise LabFault(f"port {port} of {address} {why}; choose another with --port, or leave it out") from None


def _can_bind(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
