"""What an owner takes away on the page counts at the preview, at the post, and before each effect."""

from __future__ import annotations

import pytest

from incidents.domain.errors import NotAllowed
from incidents.domain.runs import Outcome
from incidents.engine.advance import advance
from incidents.models import Attempt, Person, Run, Target
from incidents.services.roles import change_role, remove
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.scene import Scene, consent


def owner() -> Person:
    return Person.objects.get(username="shop-owner")


@pytest.mark.parametrize("role", ["", "viewers"])
def test_between_preview_and_post(scene: Scene, role: str) -> None:
    scene.break_()
    plan = scene.propose()
    take(scene, role)

    with pytest.raises(NotAllowed):
        start(scene.operator, scene.organization, consent(plan))
    with pytest.raises(NotAllowed):
        scene.propose()
    assert not Run.objects.exists()


@pytest.mark.parametrize("role", ["", "viewers"])
def test_between_post_and_effect(scene: Scene, role: str) -> None:
    scene.break_()
    run = scene.start()
    take(scene, role)

    run = scene.carry_on(run)

    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.permission")
    assert scene.visible() == []
    assert not Attempt.objects.filter(target__run=run).exists()


def test_between_two_effects(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    scene.mode("edge-b", "hang")
    advance(run.pk)
    sent = set(Attempt.objects.filter(target__run=run).values_list("target__location__slug", flat=True))
    assert sent
    assert "edge-b" not in sent
    take(scene, "")
    scene.mode("edge-b", "ok")

    run = scene.carry_on(run)

    assert run.outcome == Outcome.STOPPED
    tried = Target.objects.filter(run=run, attempts__gt=0).values_list("location__slug", flat=True)
    assert set(tried) == sent
    assert set(scene.visible()) <= sent


def test_an_owner_may_do_what_an_operator_may_and_undo_it(scene: Scene) -> None:
    scene.break_()
    change_role(owner(), scene.organization, scene.operator, "owners")
    run = scene.carry_on(scene.start())
    assert run.outcome == Outcome.SUCCEEDED

    change_role(owner(), scene.organization, scene.operator, "viewers")
    with pytest.raises(NotAllowed):
        propose_undo(scene.operator, run)


def take(scene: Scene, role: str) -> None:
    if role:
        change_role(owner(), scene.organization, scene.operator, role)
    else:
        remove(owner(), scene.organization, scene.operator)
