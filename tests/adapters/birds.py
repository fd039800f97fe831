"""Real BIRD routers on loopback, and what can stand between one and an adapter."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from incidents.adapters.bird import Bird
from incidents.adapters.bird_routes import MARKER
from incidents.lab import ports, processes
from tests.adapters.support import read_reference
from tests.lab_fixtures import PLACES, need

LAST_LINE = re.compile(rb"(?m)^\d{4} .*\n\Z")
AS_NUMBER = 64512  # of both ends: over eBGP the next hop would become the router's own


def bird(
    address: str, keys: Sequence[str], budget_seconds: float = 5, settings: Mapping[str, object] | None = None
) -> Bird:
    return Bird.from_settings(
        name="router-edge-a",
        settings={"socket": address, **(settings or {})},
        secret=read_reference,
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


@dataclass(frozen=True, slots=True)
class Router:
    """One running BIRD, its control socket, its own configuration and the file that it includes."""

    socket: str
    main: Path
    include: Path
    program: processes.Program

    @property
    def settings(self) -> dict[str, object]:
        return {"include": str(self.include)}

    @property
    def lock(self) -> Path:
        return self.include.with_name(f".{self.include.name}.lock")

    def ask(self, command: str) -> str:
        """The whole answer, with its codes."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(self.socket)
            answer_of(line)
            line.sendall(f"{command}\n".encode())
            return answer_of(line).decode()

    def has(self, prefix: str) -> bool:
        return prefix in self.ask(f"show route {prefix} all")

    def reconfigured(self) -> int:
        """How often it took a configuration."""
        return self.main.with_suffix(".events").read_text().count("Reconfigured")


@contextlib.contextmanager
def router(directory: Path, more: str = "", name: str = "router", number: int = 1) -> Iterator[Router]:
    """Starts a BIRD whose configuration includes a file that holds our mark alone. Ends it at the end.

    Args:
        directory: for its files.
        more: of its configuration, before the file.
        name: of its files.
        number: the last of its router id.
    """
    need("bird")
    main, include, control = directory / f"{name}.conf", directory / f"{name}-handrail.conf", directory / f"{name}.ctl"
    include.write_text(f"{MARKER}\n")
    main.write_text(
        f'log "{main.with_suffix(".events")}" all;\nrouter id 127.0.0.{number};\nprotocol device {{}}\n'
        f'{more}include "{include}";\n'
    )
    program = shutil.which("bird", path=PLACES) or "bird"
    started = processes.start(name, [program, "-f", "-c", str(main), "-s", str(control)], directory)
    try:
        wait_until(lambda: answers(control))
        yield Router(str(control), main, include, started)
    finally:
        processes.stop([started])


@contextlib.contextmanager
def pair(directory: Path) -> Iterator[tuple[Router, Router]]:
    """A router and a neighbour that keeps what it hears; they have a session."""
    neighbours = ports.neighbourhood()
    one, other = ports.host(neighbours, 1), ports.host(neighbours, 2)
    speaks, hears = ports.free_port(one), ports.free_port(other)
    begin = "protocol bgp session { strict bind yes; multihop; connect delay time 1; connect retry time 1;"
    tell = " ".join(f"ipv{v} {{ import none; export where source = RTS_STATIC; }};" for v in (4, 6))
    keep = " ".join(f"ipv{v} {{ import all; export none; gateway recursive; igp table master{v}; }};" for v in (4, 6))
    ours = f"local {one} port {speaks} as {AS_NUMBER}; neighbor {other} port {hears} as {AS_NUMBER};"
    theirs = f"local {other} port {hears} as {AS_NUMBER}; neighbor {one} port {speaks} as {AS_NUMBER};"
    with (
        router(directory, f"{begin} {ours} {tell} }}\n") as speaker,
        router(directory, f"{begin} {theirs} {keep} }}\n", "neighbour", 2) as hearer,
    ):
        wait_until(lambda: "Established" in speaker.ask("show protocols session"))
        yield speaker, hearer


def relay(
    path: str, at: str, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
) -> Callable[[socket.socket, threading.Event], None]:
    """What a peer does that stands between an adapter and a router.

    Every command goes on to the router, and its answer back; round the one that begins with `at`, something is done
    before the command goes on and before its answer goes back. Raising OSError there cuts the connection.
    """

    def meet(line: socket.socket, ended: threading.Event) -> None:
        with socket.socket(socket.AF_UNIX) as behind, line.makefile("rb") as commands:
            behind.connect(path)
            line.sendall(answer_of(behind))
            for command in commands:
                here = command.decode().startswith(at)
                if here:
                    before()
                behind.sendall(command)
                answer = answer_of(behind)
                if here:
                    after()
                line.sendall(answer)

    return meet


def cut() -> None:
    raise ConnectionAbortedError("cut by the test")


def answer_of(line: socket.socket) -> bytes:
    received = b""
    while not LAST_LINE.search(received[-4096:]):
        piece = line.recv(262_144)
        if not piece:
            raise ConnectionError("the router ended the conversation")
        received += piece
    return received


def answers(control: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
        line.settimeout(1)
        line.connect(str(control))
        return line.recv(100).startswith(b"0001")
    return False


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.05)
