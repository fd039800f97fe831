"""Docs are code: what they name must exist, and what exists must be named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from incidents.services import limits
from incidents.services.limits import Limit

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
