"""Whether a port is free."""

from __future__ import annotations

import socket


class PortTaken(Exception):
    """Something else listens there."""


def check_free(port: int) -> None:
    """Raises PortTaken, with the way out, when nothing more can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(f"port {port} is in use. Choose another one: PORT=8001 make up") from None


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
