"""Whether a port is free."""

from __future__ import annotations

import socket


class PortFault(Exception):
    """It is no port, or something else listens there."""


def read_port(text: str) -> int:
    """A port from the environment. Raises PortFault."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise PortFault(f"PORT={text} is no port. Choose a number from 1 to 65535, such as PORT=8001 make up")
    return int(text)


def check_free(port: int) -> None:
    """Raises PortFault, with the way out, when nothing more can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortFault(f"port {port} is in use. Choose another one: PORT=8001 make up") from None
