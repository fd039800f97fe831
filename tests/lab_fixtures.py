"""A real lab, started once for all tests that want one, and its parts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.lab import nameserver
from incidents.lab.lab import Lab

DAEMONS = ("gobgpd", "bird", "haproxy", "git", "pdns_server")
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def need(*programs: str) -> None:
    """Skips the test, loudly, when a program is not installed; in CI nothing is left out, so it fails there."""
    missing = [program for program in programs if shutil.which(program, path=PLACES) is None]
    if not missing:
        return
    leave_out(f"{' and '.join(missing)} not installed: the real thing is not tested")


def leave_out(text: str) -> None:
    """Skips the test, loudly; in CI nothing is left out, so it fails there."""
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of real daemons. Leave it as you find it, or take `healed_lab`."""
    need(*DAEMONS)
    if why := nameserver.hindrance():
        leave_out(f"{why}: the real thing is not tested")
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def healed_lab(lab: Lab) -> Iterator[Lab]:
    """The same lab, whole at the beginning and healed at the end."""
    lab.heal()
    yield lab
    lab.heal()


@pytest.fixture
def simulated_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab of one's own without daemons; up in a tenth of a second."""
    with Lab(tmp_path / "simulated", simulated=True) as lab:
        yield lab
