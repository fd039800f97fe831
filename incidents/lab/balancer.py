"""The HAProxy of a real lab: its configuration, and commands to it over its socket.

It is spoken to in the lab's own words and not through our adapters, so that what the lab breaks and heals does not
depend on the code that it is there to test.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from incidents.lab import files
from incidents.lab.demo import WEB
from incidents.lab.faults import LabFault

SECONDS = 5.0
USUAL_WEIGHT = 100
# Columns of `show servers state`, version 1; the numbers are bits of srv_admin_state and a value of srv_op_state.
FORCED_MAINT, FORCED_DRAIN, RUNNING = 1, 8, 2


@dataclass(frozen=True, slots=True)
class Origin:
    """A server as the balancer has it; `ready` when its health checks say so."""

    weight: int
    mode: str
    ready: bool


def configuration(
    control: Path, state_file: Path, fronts: Mapping[str, tuple[str, int]], origins: Mapping[str, str]
) -> str:
    """HAProxy's configuration: a frontend a location, which all share one backend.

    Weights live in its memory; with the state file, which others write, they outlive a reload.

    Args:
        fronts: {location: (host, port)}.
        origins: {name: "host:port"}.
    """
    listeners = "".join(
        f"frontend {location}\n  bind {host}:{port}\n  default_backend {WEB.group}\n"
        for location, (host, port) in fronts.items()
    )
    servers = "".join(f"  server {name} {address} weight {USUAL_WEIGHT} check\n" for name, address in origins.items())
    return f"""global
  stats socket {control} mode 600 level admin
  server-state-file {state_file}
  maxconn 500
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout queue 1s
  load-server-state-from-file global
{listeners}backend {WEB.group}
  balance roundrobin
  option httpchk GET /
  default-server inter 500ms fastinter 100ms downinter 200ms fall 2 rise 1
{servers}"""


def arguments(program: str, configuration_file: str) -> list[str]:
    return [program, "-db", "-f", configuration_file]


def ask(control: str, *commands: str) -> str:
    """What HAProxy answers. Raises LabFault when it does not."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(SECONDS)
            line.connect(control)
            line.sendall((";".join(commands) + "\n").encode())
            pieces = []
            while piece := line.recv(65536):
                pieces.append(piece)
    except OSError as error:
        raise LabFault(f"the balancer does not answer: {error}") from None
    return b"".join(pieces).decode()


def change(control: str, *commands: str) -> None:
    """Commands that HAProxy answers with nothing but empty lines. Raises LabFault for a word."""
    said = ask(control, *commands).strip()
    if said:
        raise LabFault(f"the balancer says: {said.splitlines()[0][:300]}")


def origins(control: str) -> dict[str, Origin]:
    """All servers as they are now."""
    lines = ask(control, f"show servers state {WEB.group}").splitlines()
    if len(lines) < 2:
        raise LabFault("the balancer tells nothing of its servers")
    header = lines[1].removeprefix("# ").split()
    rows = [dict(zip(header, line.split(), strict=False)) for line in lines[2:] if line]
    return {row["srv_name"]: _origin(row) for row in rows}


def keep(control: str, state_file: Path) -> None:
    """Writes the state file, so that what is now is what a reload finds."""
    files.replace(state_file, ask(control, "show servers state"))


def commands(name: str, weight: int, *, well: bool = False) -> Sequence[str]:
    """What sets a server to a weight and lets it take traffic; `well` spares it the wait for the next check."""
    server = f"set server {WEB.group}/{name}"
    return [f"{server} state ready", f"{server} weight {weight}", *([f"{server} health up"] if well else [])]


def _origin(row: Mapping[str, str]) -> Origin:
    admin = int(row["srv_admin_state"])
    mode = "maint" if admin & FORCED_MAINT else "drain" if admin & FORCED_DRAIN else "ready"
    return Origin(int(row["srv_uweight"]), mode, int(row["srv_op_state"]) == RUNNING)
