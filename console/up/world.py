"""Fills the database of the demo, and introduces its people."""

from __future__ import annotations

import shlex
import sys
import time
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from incidents.domain.diagnosis import Damage
from incidents.engine.poller import poll_once
from incidents.lab.lab import DIRECTORY
from incidents.lab.scenarios import SCENARIOS
from incidents.models import Diagnosis, Person

# The lab's routers are up by then; what is not reachable after this is said, and the console starts all the same.
PATIENCE = 30.0
# The customer whom the scenarios of `make up` hurt.
CUSTOMER = "shop-operator"


def migrate() -> None:
    """Makes the tables and collects the static files."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)


def fill(inventory: Path) -> None:
    """Applies the inventory, and polls until everything is proven good."""
    said = StringIO()
    call_command("inventory", "apply", str(inventory), stdout=said)
    print(f"    {said.getvalue().splitlines()[-1]}")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        poll_once()
        open_rows = Diagnosis.objects.filter(until__isnull=True)
        if not open_rows.exclude(damage=Damage.HEALTHY).exists():
            return
        time.sleep(0.5)
    print("    not everything could be proven good; the pages say what")


def introduce(lab: Path, port: int) -> None:
    """Prints the address, the people, the hurt customer first, and how to break and heal what there is."""
    poll_once()
    print("\nDemo mode: one machine, no TLS, not for production. Ctrl-C ends everything.\n")
    print(f"http://localhost:{port}")
    people = {person.username: person for person in Person.objects.filter(is_active=True)}
    names = sorted(people, key=lambda name: (name != CUSTOMER, name))
    for name in names:
        secret = lab / "passwords" / name
        if secret.exists():
            who = people[name].title + (", who has several things broken already" if name == CUSTOMER else "")
            print(f"user: {name}  password: {secret.read_text().strip()}  ({who})")
    var = "" if lab == DIRECTORY.absolute() else f"VAR_DIR={shlex.quote(_short(lab.parent))} "
    command = f"{var}{shlex.quote(_short(Path(sys.executable)))} manage.py lab"
    print("\nIn another shell, to see what is broken, to heal all, and to break each:\n")
    print(f"{command} status\n{command} heal")
    for scenario in SCENARIOS.values():
        print(f"{command} break {scenario.name}  # {scenario.text}")
    print(flush=True)


def _short(path: Path) -> str:
    """The path from here, where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
