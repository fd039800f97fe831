"""Guards of the actions, and of the steps, left out alone: with each the world stays as it is, without it not."""

from __future__ import annotations

import pytest

from tests.engine.guards.actions import CASES, Elsewhere
from tests.scene import Scene

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)


@every_case
def test_with_the_question_nothing_happens(scene: Scene, case: Elsewhere) -> None:
    assert set(case.act(scene)) == {case.code}
    assert not case.harm(scene)


@every_case
def test_without_the_question_the_harm_is_done(scene: Scene, case: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case.asks, lambda *args: ())
    assert case.act(scene) == []
    assert case.harm(scene)
