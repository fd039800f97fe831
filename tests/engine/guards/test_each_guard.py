"""Every guard of the registry, taken out alone: with it the world stays as it is, without it the harm is done."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from incidents.domain import guards
from incidents.models import Run
from tests.engine.guards import amounts, rights
from tests.engine.guards.acts import Case, lose, take_out
from tests.scene import Scene

CASES = {case.code: case for case in (*rights.CASES, *amounts.CASES)}


def test_every_guard_of_the_registry_has_its_case() -> None:
    assert sorted(CASES) == sorted(guard.code for guard in guards.GUARDS)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_with_the_guard_nothing_happens(scene: Scene, case: Case) -> None:
    assert case.act(scene) == [case.code]
    assert not case.harm(scene)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_without_the_guard_the_harm_is_done(scene: Scene, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is changed, so nothing else would have prevented it."""
    take_out(case.code, monkeypatch)
    assert case.act(scene) == []
    assert case.harm(scene)


def test_the_database_lets_no_second_run_in_even_without_the_guard(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layer behind guard.one-at-a-time: one live lock a resource, whoever asks."""
    take_out("guard.one-at-a-time", monkeypatch)
    lose(scene)
    first = scene.start()
    with pytest.raises(IntegrityError):
        scene.start()
    assert list(Run.objects.all()) == [first]
