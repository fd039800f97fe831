"""Starts everything, says where it is, and ends everything on Ctrl-C. Run as `python -m console.up`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from console.up.broker import Broker, BrokerFault, start_broker
from console.up.environment import prepare, remember
from console.up.ports import PortFault, check_free, read_port
from incidents.lab.faults import LabFault
from incidents.lab.lab import Lab
from incidents.lab.parts import in_words
from incidents.lab.status import parts_in_lines

# Enough to see what the console is for; the rest is broken by hand.
SCENARIOS = ("withdrawn", "withdrawn_unbound", "bad_deploy", "traffic_stuck")


def main() -> int:
    """Exit code 0 after Ctrl-C, 1 when something could not be started, with a line that says what and why."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return _run(Path(os.environ.get("VAR_DIR", "var")).absolute(), read_port(os.environ.get("PORT", "8000")))
    except (LabFault, BrokerFault, PortFault) as fault:
        print(f"Could not start: {fault}", file=sys.stderr)
    except OSError as error:
        print(f"Could not start: {error.filename or ''} {error.strerror}", file=sys.stderr)
    return 1


def _run(var: Path, port: int) -> int:
    check_free(port)
    prepare(var)
    lab, broker = Lab(var / "lab"), None
    # The lab's folder is held first: a second console on the same folder must touch nothing.
    lab.take_directory()
    try:
        broker = start_broker(var)
        _bring_up(lab, broker, var, port)
    except KeyboardInterrupt:
        print("Stopping.")
    finally:
        lab.down()
        if broker is not None:
            broker.stop()
    return 0


def _bring_up(lab: Lab, broker: Broker, var: Path, port: int) -> None:
    # Django reads its settings from the environment, which stands only now.
    import django

    django.setup()
    from console.up.servers import serve
    from console.up.world import fill, introduce, migrate

    print(f"1/5 Broker: {broker.kind}")
    print("2/5 Database", flush=True)
    remember(var)
    migrate()
    print("3/5 Lab: starting routers, repository, balancer and name server, and waiting until they serve", flush=True)
    parts = lab.up()["parts"]
    for line in parts_in_lines(parts):
        print(f"    {line}")
    # The servers are started after this stands in the environment, so every page shows it.
    real = in_words({name: part["real"] for name, part in parts.items()})
    os.environ["NOTICE"] = f"Demo: {real} on this one machine. Nothing outside it is changed."
    print("4/5 Inventory, and proof of what is good", flush=True)
    fill(lab.directory / "inventory.yaml")
    for scenario in SCENARIOS:
        print(f"    broken on purpose: {lab.break_(scenario)}")
    print("5/5 Web, worker and poller", flush=True)
    serve(port, on_ready=lambda: introduce(lab.directory, port))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
