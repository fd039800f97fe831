"""The lab: up, down, status, break and heal."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from incidents.lab import collector, damage, files, inventory, naming, processes, rise, shop, signing, status, talk
from incidents.lab.damage import Facts
from incidents.lab.demo import PEOPLE, PLACES, organizations
from incidents.lab.faults import LabFault
from incidents.lab.plan import Plan
from incidents.lab.processes import Program
from incidents.lab.scenarios import scenario_of

DIRECTORY = Path("var/lab")
TRIES = 3


def _token() -> str:
    return secrets.token_urlsafe(12)


class Lab:
    """A lab in one directory.

    The process that calls `up` owns it: everything that it starts ends with `down`, or with the thread that called
    `up`. Any other process can make a `Lab` of the same directory and ask for its facts, its status, or damage.

    Args:
        directory: where everything is written; made when it is not there.
        prefixes: how many prefixes without services the first organization has besides those of the demo.
        simulated: no real daemons, even where they are installed.
        port: of the world's control socket on 127.0.0.1; 0 for a free one.
    """

    def __init__(
        self, directory: Path | str = DIRECTORY, *, prefixes: int = 0, simulated: bool = False, port: int = 0
    ) -> None:
        self.directory = Path(directory).absolute()
        self._prefixes, self._simulated, self._port = prefixes, simulated, port
        self._programs: list[Program] = []
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()

    def up(self) -> Facts:
        """Starts everything, announces every prefix at every edge, and writes lab.json and inventory.yaml.

        Returns the facts (see docs/lab.md) when the collector has all prefixes.

        Raises:
            LabFault: a port or the directory is in use, or a daemon does not come up; nothing is left running.
        """
        self.take_directory()
        try:
            facts = self._start_on_free_ports()
            damage.heal(facts)
        except BaseException:
            self.down()
            raise
        return facts

    def down(self) -> None:
        """Ends everything that this object started. Harmless when repeated."""
        processes.stop(self._programs)
        self._programs = []
        if self._lock is not None:
            (self.directory / "lab.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def ended(self) -> list[str]:
        """Names of programs that this object started and that have ended by themselves."""
        return [program.name for program in self._programs if program.process.poll() is not None]

    def facts(self) -> Facts:
        """What lab.json holds. Raises LabFault when no lab is up here."""
        try:
            facts: Facts = json.loads((self.directory / "lab.json").read_text())
        except (OSError, ValueError):
            raise LabFault(f"no lab is up in {self.directory}") from None
        return facts

    def status(self) -> Facts:
        """The lab as it is now.

        Returns what `status.of` does. Raises LabFault when no lab is up here, or it does not answer.
        """
        return status.of(self.facts())

    def break_(self, name: str) -> str:
        """Does the damage of a scenario; returns it in words. Raises LabFault that lists the choices."""
        scenario = scenario_of(name)
        facts = self.facts()
        damage.break_(facts, scenario)
        self._write({**facts, "scenarios": sorted({*facts["scenarios"], name})})
        return scenario.text

    def heal(self) -> None:
        """Restores all that the lab shows, and the manners of the simulated backends."""
        facts = self.facts()
        damage.heal(facts)
        self._write({**facts, "scenarios": []})

    def mode(self, backend: str, mode: str, seconds: float = 1.0, only: str = "") -> None:
        """Changes the manners of a simulated backend, see `backends.Mode`.

        `seconds` is how long `slow` waits; `only` names the one operation that it is for (`observe` or `apply`).
        """
        talk.ask(self.facts()["world"]["address"], op="mode", backend=backend, mode=mode, seconds=seconds, only=only)

    def session(self, location: str, *, up: bool) -> None:
        """Ends or mends the session between the collector and a location, in a simulated lab."""
        talk.ask(self.facts()["world"]["address"], op="down", location=location, down=not up)

    def _start_on_free_ports(self) -> Facts:
        """A port that was free a moment ago may be taken by the time that a daemon listens: then others are chosen."""
        for _ in range(TRIES - 1):
            try:
                return self._start()
            except LabFault as fault:
                if "already in use" not in str(fault):
                    raise
                processes.stop(self._programs)
                self._programs = []
        return self._start()

    def _start(self) -> Facts:
        plan = Plan.of(self.directory, simulated=self._simulated, port=self._port)
        customers = organizations(self._prefixes)
        passwords = {person.name: self._secret(f"passwords/{person.name}") for person in PEOPLE}
        token, dns_key = self._secret("passwords/registry-token"), self._secret("passwords/dns-api-key")
        key_file = self._secret("passwords/sign-in-key", signing.make_private)
        (self.directory / "ledger.jsonl").write_text("")
        world = rise.start_world(plan, customers, token.read_text(), key_file)
        self._programs.append(world)
        shop.start(plan, key_file, self._programs)
        naming_started = naming.start(plan, dns_key, self._programs)
        if plan.routers.real:
            rise.start_routers(plan, self._programs)
        listening = processes.hear(world)
        played = listening["played"]
        served = shop.hear(plan, played, key_file, self._programs)
        served |= naming.hear(plan, naming_started, played, self._programs)
        facts = self._describe(plan, listening, served)
        where = inventory.Where(
            control=listening["control"],
            routers={place.name: _router_settings(plan, place.name, listening["control"]) for place in PLACES},
            router_kind="gobgp" if plan.routers.real else "simulated",
            collector=_collector_settings(plan, listening["control"]),
            services=listening["services"],
            repository=facts["repository"],
            balancer=facts["balancer"],
            nameserver=facts["nameserver"],
            token=f"file:{token}",
            passwords={name: f"file:{path}" for name, path in passwords.items()},
        )
        (self.directory / "inventory.yaml").write_text(inventory.text(where, customers))
        self._write(facts)
        return facts

    def _describe(self, plan: Plan, listening: Mapping[str, object], served: Mapping[str, object]) -> Facts:
        real = plan.routers.real
        edges = {
            edge.location: {"backend": inventory.router(edge.location), "api": edge.api if real else ""}
            for edge in plan.edges
        }
        bird = {"socket": str(plan.bird), "sessions": {place.name: collector.session(place.name) for place in PLACES}}
        return {
            "version": 1,
            "kind": "real" if real else "simulated",
            "why": plan.routers.why,
            "parts": {name: asdict(part) for name, part in plan.parts.items()},
            "pid": os.getpid(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "processes": {p.name: {"pid": p.process.pid, "log": str(p.log)} for p in self._programs},
            "world": {"address": listening["control"], "ledger": str(self.directory / "ledger.jsonl")},
            "edges": edges,
            "collector": {"kind": "bird", **bird} if real else {"kind": "simulated"},
            "services": listening["services"],
            **served,
            "inventory": str(self.directory / "inventory.yaml"),
            "prefixes": self._prefixes,
            "scenarios": [],
        }

    def take_directory(self) -> None:
        """Holds a lock for as long as the lab is up; the system lets go of it when we end, however we end.

        `up` does so by itself. Harmless when repeated. Raises LabFault when another lab holds it.
        """
        if self._lock is not None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / "passwords").mkdir(mode=0o700, exist_ok=True)
            lock = (self.directory / "lab.lock").open("a")
        except OSError as error:
            raise LabFault(f"{self.directory} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LabFault(f"a lab is up in {self.directory} already; end it first, or choose another --dir") from None
        self._lock = lock

    def _secret(self, name: str, make: Callable[[], str] = _token) -> Path:
        """A file with a random secret, readable by us alone; kept over restarts, for people have it by then."""
        path = self.directory / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(make())
        return path

    def _write(self, facts: Facts) -> None:
        files.replace(self.directory / "lab.json", json.dumps(facts, indent=2) + "\n")


def _router_settings(plan: Plan, location: str, control: str) -> Mapping[str, object]:
    if not plan.routers.real:
        return {"address": control}
    return {"address": next(edge.api for edge in plan.edges if edge.location == location)}


def _collector_settings(plan: Plan, control: str) -> Mapping[str, object]:
    if not plan.routers.real:
        return {"collector": "simulated", "address": control, "locations": {place.name: place.name for place in PLACES}}
    locations = {place.name: collector.session(place.name) for place in PLACES}
    return {"collector": "bird", "socket": str(plan.bird), "locations": locations}
