"""Scenes in which it takes two people."""

from __future__ import annotations

from pathlib import Path

import pytest

from incidents.lab.lab import Lab
from incidents.models import (
    Preapproval,
)
from tests.factories import agree_on
from tests.scene import Scene, set_scene


@pytest.fixture
def tier3(db: None, world: Lab, tmp_path: Path) -> Scene:
    made = set_scene(world, tmp_path, tier="3")
    made.break_()
    return made


@pytest.fixture
def glass(db: None, world: Lab, tmp_path: Path) -> Scene:
    made = set_scene(world, tmp_path, tier="3")
    row = Preapproval.objects.get(action="readvertise_prefix", organization=made.organization)
    agree_on(row, {**row.terms, "break_glass": True})
    made.break_()
    return made
