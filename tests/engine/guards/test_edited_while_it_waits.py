"""A guard that somebody edits in the database while a run waits: what still holds, and what then does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from incidents.domain.canonical import digest
from incidents.domain.terms import Window
from incidents.models import Breaker, Freeze, Preapproval, Run
from incidents.services.freeze import Over, set_freeze
from tests.engine.asking import events, person
from tests.engine.guards.acts import OTHER, allow, attempt, lose, rescued, rules, take_out, undo
from tests.scene import BROKEN, EDGES, Scene

WIDE = {"most": 1000, "minutes": 60}


def widen(run: Run, *, also_digest: bool = False) -> None:
    """Writes larger limits into the rules of a run; with another digest, as if the review had agreed."""
    row = rules()
    terms = {**row.terms, "windows": {**row.terms["windows"], "organization": WIDE}}
    Preapproval.objects.filter(pk=row.pk).update(terms=terms)
    if also_digest:
        Preapproval.objects.filter(pk=row.pk).update(digest=digest(terms))


@pytest.fixture
def full(scene: Scene) -> Scene:
    """Two prefixes are lost, of which one may be changed within the hour."""
    allow(organization_window=Window(1, 60))
    lose(scene)
    lose(scene, OTHER)
    return scene


def fill(scene: Scene) -> None:
    """Another run, which began later, uses up the hour's one change."""
    rescued(scene, BROKEN)


def test_a_wider_limit_that_was_written_in_stops_the_run(full: Scene) -> None:
    def meanwhile(run: Run) -> None:
        fill(full)
        widen(run)

    assert attempt(full, lambda: full.start(OTHER), meanwhile) == ["guard.seal"]
    assert full.visible(OTHER) == []


def test_the_limit_that_was_shown_holds_even_without_the_seal(full: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes by the rules that are frozen in its plan, so there is nothing to gain by other ones."""
    take_out("guard.seal", monkeypatch)

    def meanwhile(run: Run) -> None:
        fill(full)
        widen(run)

    assert attempt(full, lambda: full.start(OTHER), meanwhile) == ["guard.window-organization"]
    assert full.visible(OTHER) == []


@pytest.mark.parametrize(("without", "code"), [("", "guard.seal"), ("guard.seal", "guard.preapproval")])
def test_another_digest_that_was_written_in_stops_the_run(
    full: Scene, monkeypatch: pytest.MonkeyPatch, without: str, code: str
) -> None:
    """Two guards stand in the way of it: the seal, and that the rules are no longer those of the preview."""
    if without:
        take_out(without, monkeypatch)
    assert attempt(full, lambda: full.start(OTHER), lambda run: widen(run, also_digest=True)) == [code]
    assert full.visible(OTHER) == []


def test_a_breaker_that_is_deleted_opens_again_before_the_next_effect(scene: Scene, settings: Settings) -> None:
    """As long as what opened it is within its time; what was too often wrong is not counted anew: docs/guards.md."""
    allow(flap=timedelta(0))
    settings.BREAKER_DAMAGE = 0
    lose(scene)
    run = rescued(scene)
    assert attempt(scene, lambda: undo(scene, run)) == ["guard.breaker"]

    Breaker.objects.all().delete()

    assert attempt(scene, lambda: undo(scene, run)) == ["guard.breaker"]
    assert scene.visible() == list(EDGES)
    # That it was opened, and that no person has closed it, stays written down.
    assert [events("breaker.opened"), events("breaker.closed")] == [2, 0]


def test_a_freeze_that_is_deleted_no_longer_holds_and_the_log_shows_it(scene: Scene) -> None:
    """The limit of it, as docs/guards.md says: a row that only stops something is not missed when it is gone."""
    lose(scene)
    freeze = set_freeze(person("support-desk"), Over(Freeze.Scope.EVERYONE), "We look at the routers")
    Freeze.objects.filter(pk=freeze.pk).delete()
    assert attempt(scene, scene.start) == []
    assert [events("freeze.set"), events("freeze.lifted")] == [1, 0]
