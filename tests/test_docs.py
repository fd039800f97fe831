"""Docs are code: what they name must exist, and what exists must be named."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from incidents.domain import guards
from incidents.domain.blast_radius import Limits
from incidents.services import limits
from incidents.services.limits import Limit
from tests.engine.guards import actions, amounts, rights

ROOT = Path(__file__).resolve().parent.parent
READS = re.compile(r"""(?:env\.(?:str|bool|float|int|list)|secret)\(\s*"([A-Z_]+)\"""")


def test_every_setting_is_in_the_table_and_the_other_way_round() -> None:
    read = set(READS.findall((ROOT / "console/settings.py").read_text()))
    told = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert read == told


def _packages(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {re.split(r"[\[<>=~]", line)[0].strip() for line in lines if line and not line.startswith("-")}


def test_every_dependency_has_its_reason() -> None:
    rows = (ROOT / "docs/dependencies.md").read_text()
    for package in _packages("requirements.in") | _packages("requirements-dev.in"):
        assert re.search(rf"^\|[^|]*\b{re.escape(package)}\b", rows, re.MULTILINE), f"{package} has no line"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_lock_files_are_complete_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    pins = re.findall(r"^[a-z0-9._\[\]-]+==", text, re.MULTILINE)
    hashed = re.findall(r"^[a-z0-9._\[\]-]+==[^\n]* \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(hashed) == len(pins) > 10


@pytest.mark.parametrize("path", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text())) <= targets


def test_the_limits_of_sign_in_are_those_that_are_told() -> None:
    told = (ROOT / "docs/sign-in.md").read_text()
    for row, *all_limits in (
        ("passwords for one name", limits.NAME_AND_NETWORK, limits.NAME_AND_KNOWN_NETWORK),
        ("passwords for all names", limits.NETWORK),
        ("passkeys that are not accepted", limits.PASSKEY_NETWORK),
        ("pages that ask for a passkey", limits.PASSKEY_ASKED),
        ("visits to company sign-in", limits.COMPANY_NETWORK),
        ("codes of one person from one network", limits.CODE_AND_NETWORK),
        ("codes of one person from everywhere", limits.CODE),
    ):
        [line] = [line for line in told.splitlines() if line.startswith("|") and row in line]
        found = re.findall(r"(\d+) in (\d+) (minutes|hour)", line)
        seconds = {"minutes": 60, "hour": 3600}
        assert [Limit(int(a), int(b) * seconds[unit]) for a, b, unit in found] == all_limits


def test_every_event_of_sign_in_is_told() -> None:
    told = (ROOT / "docs/sign-in.md").read_text()
    rooms = [ROOT / "incidents/services", ROOT / "console"]
    texts = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))
    kinds = r'"((?:session|factor|recovery-code|password|company)\.[a-z]+)"'
    events = set(re.findall(kinds, texts)) - {"company.html"}
    assert len(events) == 13
    assert {event for event in events if f"`{event}`" not in told} == set()


GUARDS_PAGE = (ROOT / "docs/guards.md").read_text()
GUARD_ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in GUARDS_PAGE.splitlines()
    if line.startswith("| `guard.")
]


def test_every_guard_of_the_source_is_in_the_table_once() -> None:
    # What the audit log calls going on against a guard is none itself.
    used: set[str] = set()
    for path in (ROOT / "incidents").rglob("*.py"):
        used |= set(re.findall(r'"(guard\.[a-z-]+)"', path.read_text()))
    assert sorted(row[0] for row in GUARD_ROWS) == sorted(used - {"guard.overridden"})


def test_what_the_table_says_of_the_registry_is_so() -> None:
    words = {True: "yes", False: "no"}
    said = [row[:4] for row in GUARD_ROWS if len(row) == 5]
    assert said == [
        [guard.code, guard.prevents, words[guard.always], words[guard.overridable]] for guard in guards.GUARDS
    ]


@pytest.mark.parametrize("row", GUARD_ROWS, ids=lambda row: row[0])
def test_what_shows_a_guard_is_there(row: list[str]) -> None:
    path, name = row[-1].split("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), row[-1]
    scenes = {case.code: case.act.__name__ for case in (*rights.CASES, *amounts.CASES, *actions.CASES)}
    # Where the harm is shown, that is what the table leads to.
    assert scenes.get(row[0], name) == name


def test_the_breaker_opens_as_it_is_told() -> None:
    told = dict(re.findall(r"^\| `BREAKER_([A-Z_]+)` \| ([0-9,]+) \|", GUARDS_PAGE, re.MULTILINE))
    kept = {key.lower(): int(value.replace(",", "")) for key, value in told.items()}
    assert kept == {field.name: field.default for field in dataclasses.fields(Limits)}
