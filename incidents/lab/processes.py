"""Starts and ends the programs of a lab."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.lab import child
from incidents.lab.faults import LabFault

CHILD = str(Path(child.__file__).resolve())
TOP = str(Path(__file__).resolve().parent.parent.parent)
SECONDS_TO_START = 20.0
SECONDS_TO_END = 2.0


@dataclass(frozen=True, slots=True)
class Program:
    """One running program and the file that it writes its words to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


def start(name: str, arguments: Sequence[str], directory: Path, *, answers: bool = False) -> Program:
    """Starts a program that ends with this thread.

    Linux ties the life of the child to the thread that starts it, so call it from one that lives on.

    Args:
        name: for messages and the name of the log file.
        arguments: the program and its arguments.
        directory: where it works and logs.
        answers: keep its standard output as a pipe, instead of writing it to the log.
    """
    log = directory / f"{name}.log"
    environment = {**os.environ, "PYTHONPATH": TOP}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", CHILD, str(os.getpid()), *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if answers else out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for us; we end the others in order
        )
    return Program(name, process, log)


def hear(program: Program) -> dict[str, Any]:
    """The line of JSON by which a program of ours says that it listens, and where. Raises LabFault."""
    out = program.process.stdout
    if out is None or not select.select([out], [], [], SECONDS_TO_START)[0]:
        raise LabFault(f"{program.name} does not come up")
    line = out.readline()
    if not line:
        program.process.wait(SECONDS_TO_START)
        check_alive([program])
    listening: dict[str, Any] = json.loads(line)
    return listening


def stop(programs: Sequence[Program]) -> None:
    """Ends all, gently first. Harmless for those that have ended."""
    for program in programs:
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + SECONDS_TO_END
    for program in programs:
        try:
            program.process.wait(max(0.01, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            program.process.kill()
            program.process.wait()
        if program.process.stdout:
            program.process.stdout.close()


def check_alive(programs: Sequence[Program]) -> None:
    """Raises LabFault with the last words of a program that has ended."""
    for program in programs:
        if program.process.poll() is not None:
            words = program.log.read_text(errors="replace").strip().splitlines()
            last = words[-1][:300] if words else "it said nothing"
            raise LabFault(f"{program.name} ended at once: {last}")
