"""The example of docs/inventory.md is an inventory, by the kinds and actions that there really are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from incidents.domain.guards import OVERRIDABLE
from incidents.inventory.document import Inventory
from incidents.services import inventory as service

PAGE = (Path(__file__).parents[2] / "docs" / "inventory.md").read_text()
EXAMPLE, REMOVAL = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def example_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGISTRY_TOKEN", "t")
    folder = tmp_path / "var" / "lab" / "passwords"
    folder.mkdir(parents=True)
    (folder / "shop-operator").write_text("open sesame\n")


def read(text: str) -> Inventory:
    found = service.read(text)
    assert isinstance(found, Inventory), "\n".join(map(str, found))
    return found


def test_the_example_is_right() -> None:
    assert read(EXAMPLE).preapprovals[0].resources == ("203.0.113.0/24",)


def test_the_documented_defaults_are_what_the_example_says() -> None:
    optional = (
        *("budget_seconds:", "slots:", "tolerate:", "expire_seconds:", "usual_seconds:", "snapshot_days:"),
        *("windows:", "organization: {", "platform: {", "flap_minutes:", "cool_down_minutes:", "staging:"),
    )
    lines = [line for line in EXAMPLE.splitlines() if not line.strip().startswith(optional)]
    short = "\n".join(lines).replace(", in_a_row: 2, every_ms: 20, within_seconds: 60", "")
    assert short_of(read(short)) == short_of(read(EXAMPLE))


def short_of(found: Inventory) -> tuple[object, ...]:
    return found.locations, found.backends, found.preapprovals


def test_every_guard_that_can_be_overridden_is_told() -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith("| `overridable`")]
    assert set(re.findall(r"`(guard\.[a-z-]+)`", row)) == OVERRIDABLE


def test_every_form_of_removal_is_right_where_the_thing_is_not_in_the_file() -> None:
    lines = [line for line in REMOVAL.splitlines() if "203.0.113.0/24" not in line]
    assert len(read(EXAMPLE.replace("remove: []", "\n".join(lines))).remove) == 8
