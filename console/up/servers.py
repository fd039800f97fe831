"""Web, worker and poller as children, until Ctrl-C is pressed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from incidents.lab import child

# Somebody who kills a worker wants to see that nothing is lost; a program that cannot run is not tried for ever.
MOST_RESTARTS = 20
PROGRAMS = {
    "web": [
        "-m", "gunicorn", "console.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8",
        "--log-level", "warning", "--graceful-timeout", "5",
    ],
    "worker": [
        "-m", "celery", "--app", "console", "--quiet", "worker", "--pool", "threads", "--concurrency", "8",
        "--without-gossip", "--without-mingle",
    ],
    "poller": ["manage.py", "poll"],
}  # fmt: skip


def serve(port: int, on_ready: Callable[[], None]) -> None:
    """Runs the three until a KeyboardInterrupt; one that ends by itself is started again, which is said."""
    programs = {**PROGRAMS, "web": [*PROGRAMS["web"], "--bind", f"127.0.0.1:{port}"]}
    children = {name: _spawn(arguments) for name, arguments in programs.items()}
    try:
        _wait_for_web(port, children["web"])
        on_ready()
        for _ in range(MOST_RESTARTS):
            name = _wait_for_end(children)
            print(f"{name} ended by itself; starting it again.", file=sys.stderr, flush=True)
            time.sleep(1)
            children[name] = _spawn(programs[name])
        print("Too much ends by itself; stopping the rest.", file=sys.stderr)
    finally:
        _stop(children)


def _wait_for_end(children: dict[str, subprocess.Popen[bytes]]) -> str:
    """The name of the first one that has ended."""
    while True:
        for name, process in children.items():
            if process.poll() is not None:
                return name
        time.sleep(0.5)


def _spawn(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, child.__file__, str(os.getpid()), sys.executable, *arguments],
        # Ctrl-C is for us; we end them in order.
        start_new_session=True,
    )


def _wait_for_web(port: int, web: subprocess.Popen[bytes]) -> None:
    while web.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in children.values():
        process.terminate()
    for process in children.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
