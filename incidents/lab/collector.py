"""The route collector of a real lab: bird's configuration, and questions to it over its control socket."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from incidents.lab.edges import AS_NUMBER, Edge

SECONDS = 2.0


def session(location: str) -> str:
    """What bird calls its session with the edge of a location; its names hold no hyphen."""
    return location.replace("-", "_")


def configuration(host: str, port: int, edges: Sequence[Edge]) -> str:
    """bird's configuration: it calls the edges, keeps what they say, and installs nothing in the kernel.

    Routes stand as `unreachable` in its table, for their next hops lead nowhere here; that is enough to see them.
    Without `strict bind` it would listen on all addresses; without `connect delay time` it would wait 5 s.
    """
    protocols = "".join(
        f"""
protocol bgp {session(edge.location)} {{
  local {host} port {port} as {AS_NUMBER};
  strict bind yes;
  neighbor {edge.host} port {edge.bgp_port} as {AS_NUMBER};
  multihop;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  ipv4 {{ import all; export none; gateway recursive; igp table master4; }};
  ipv6 {{ import all; export none; gateway recursive; igp table master6; }};
}}
"""
        for edge in edges
    )
    return f'log "bird.events" all;\nrouter id {host};\nprotocol device {{}}\n{protocols}'


def arguments(program: str, configuration_file: str, control: Path) -> list[str]:
    return [program, "-f", "-c", configuration_file, "-s", str(control)]


def ask(control: Path, command: str) -> list[str]:
    """The lines that bird answers, without their codes; empty for "not found".

    Raises OSError when it does not answer.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(SECONDS)
        line.connect(str(control))
        line.sendall(f"restrict\n{command}\n".encode())
        received = b""
        # Three answers come: the greeting, the restriction, and ours, which ends with a code and a space.
        while sum(_is_last(text) for text in received.split(b"\n")[:-1]) < 3:
            piece = line.recv(65536)
            if not piece:
                raise ConnectionError("bird ended the conversation")
            received += piece
    lines = received.decode().splitlines()[2:]
    return [text[5:] if text[:4].isdigit() else text[1:] for text in lines if not text.startswith("8")]


def established(control: Path) -> set[str]:
    """Names of the sessions that are up; none while bird is not there."""
    try:
        lines = ask(control, "show protocols")
    except OSError:
        return set()
    return {words[0] for words in map(str.split, lines) if words[1:2] == ["BGP"] and words[-1] == "Established"}


def sees(control: Path, name: str, prefix: str) -> bool:
    """Whether exactly this prefix stands in the table, learned from the session `name`."""
    return any(line.split()[:1] == [prefix] for line in ask(control, f"show route {prefix} protocol {name}"))


def table(control: Path, name: str) -> set[str]:
    """All prefixes learned from the session `name`."""
    lines = ask(control, f"show route protocol {name}")
    return {words[0] for words in map(str.split, lines) if words and "/" in words[0]}


def _is_last(line: bytes) -> bool:
    return len(line) >= 5 and line[:4].isdigit() and line[4:5] == b" "
