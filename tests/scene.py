"""A scene for tests: the simulated world with its inventory applied, and the people of the demo in it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from incidents.domain.runs import Phase
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.lab import talk
from incidents.lab.lab import Lab
from incidents.models import Diagnosis, Organization, Person, Plan, Resource, Run, Snapshot
from incidents.services.propose import propose
from incidents.services.start import Consent, start

BROKEN = "203.0.113.0/24"
EDGES = ("edge-a", "edge-b", "edge-c")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a test does with the world, in the words of the product."""

    lab: Lab

    @property
    def operator(self) -> Person:
        return Person.objects.get(username="shop-operator")

    @property
    def viewer(self) -> Person:
        return Person.objects.get(username="shop-viewer")

    @property
    def stranger(self) -> Person:
        return Person.objects.get(username="bank-operator")

    @property
    def organization(self) -> Organization:
        return Organization.objects.get(slug="example-shop")

    def resource(self, name: str = BROKEN) -> Resource:
        return Resource.objects.get(name=name)

    def break_(self, scenario: str = "withdrawn") -> None:
        self.lab.break_(scenario)
        poll_once()

    def propose(self, *names: str) -> Plan:
        resources = [self.resource(name) for name in names or (BROKEN,)]
        return propose(self.operator, self.organization, "readvertise_prefix", resources)

    def start(self, *names: str) -> Run:
        return start(self.operator, self.organization, consent(self.propose(*names)))

    def carry_on(self, run: Run, seconds: float = 20.0) -> Run:
        """Advances the run until it ends or pauses, as a worker would."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            advance(run.pk)
            run.refresh_from_db()
            if run.phase in (Phase.ENDED, Phase.PAUSED):
                return run
            time.sleep(0.02)
        raise AssertionError(f"{run} is still {run.phase} ({run.because}) after {seconds} s")

    def mode(self, location: str, mode: str, only: str = "", seconds: float = 1.0) -> None:
        """How the router of a location behaves from now on."""
        self.lab.mode(f"router-{location}", mode, seconds, only)

    def put(self, location: str, state: dict[str, object], name: str = BROKEN) -> None:
        """Somebody else changes a route behind our back."""
        self._ask(op="put", backend=f"router-{location}", states={name: state})

    def states(self, backend: str) -> dict[str, dict[str, Any]]:
        """Everything that a simulated backend knows, by its own word."""
        answer = talk.ask(self.lab.facts()["world"]["address"], op="status")
        states: dict[str, dict[str, Any]] = answer["backends"][backend]["states"]
        return states

    def put_state(self, backend: str, key: str, state: dict[str, object]) -> None:
        """Somebody else changes something at a simulated backend behind our back."""
        self._ask(op="put", backend=backend, states={key: state})

    def snapshots(self, name: str) -> int:
        """How many known-good states were ever kept of a resource."""
        return Snapshot.objects.filter(binding__resource__name=name).count()

    def end_session(self, location: str) -> None:
        """The collector no longer hears from this location."""
        self._ask(op="down", location=location, down=True)

    def mend_session(self, location: str) -> None:
        self._ask(op="down", location=location, down=False)

    def performed(self, location: str) -> int:
        """How many changes the router of a location has made so far, by its own ledger."""
        lines = (self.lab.directory / "ledger.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        mine = [entry for entry in entries if entry["backend"] == f"router-{location}" and entry["op"] == "apply"]
        return sum(len(entry["performed"]) for entry in mine)

    def _ask(self, **request: object) -> None:
        talk.ask(self.lab.facts()["world"]["address"], **request)

    def visible(self, name: str = BROKEN) -> list[str]:
        """From which locations the collector sees it: the truth, past every adapter and probe of ours."""
        seen: list[str] = self.lab.status()["visible"][name]
        return sorted(seen)

    def damage(self, name: str = BROKEN) -> str:
        return Diagnosis.objects.get(resource__name=name, until__isnull=True).damage


def consent(plan: Plan, **fields: str) -> Consent:
    return Consent(**{"digest": plan.digest, "key": str(uuid.uuid4()), **fields})  # type: ignore[arg-type]


def set_scene(lab: Lab, folder: Path, *, budget: float = 0.4, **replacements: str) -> Scene:
    """Heals the world, applies its inventory with short budgets, and proves every state good."""
    lab.heal()
    text = (lab.directory / "inventory.yaml").read_text()
    text = text.replace("budget_seconds: 3\n", f"budget_seconds: {budget}\n")
    for old, new in replacements.items():
        name = f"{old}: "
        assert name in text, f"the inventory has no {old}"
        text = "\n".join(line[: line.index(name)] + name + new if name in line else line for line in text.splitlines())
    file = folder / "inventory.yaml"
    file.write_text(text)
    call_command("inventory", "apply", str(file), stdout=StringIO())
    poll_once()
    time.sleep(0.002)
    poll_once()
    assert Snapshot.objects.count() > 0
    return Scene(lab)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The simulated world, one for all tests; each scene heals it first."""
    with Lab(tmp_path_factory.mktemp("world"), simulated=True) as lab:
        yield lab


@pytest.fixture
def scene(db: None, world: Lab, tmp_path: Path) -> Scene:
    """Everything is well; `break_` changes that."""
    return set_scene(world, tmp_path)


@pytest.fixture
def committed_scene(committed: None, world: Lab, tmp_path: Path) -> Scene:
    """The same, in a database that other threads and processes see."""
    return set_scene(world, tmp_path)
