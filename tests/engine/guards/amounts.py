"""Scenes for the guards that keep harm small: how much at once, how much lately, how soon again, against whom."""

from __future__ import annotations

from datetime import timedelta

from django.test import override_settings

from incidents.domain.runs import Outcome
from incidents.domain.terms import Window
from incidents.models import Location, Organization, ResourceLock, Run
from incidents.services.propose import propose
from incidents.services.start import start
from tests.engine.guards.acts import BANK, OTHER, Case, allow, attempt, lose, rescued, silenced, undo
from tests.scene import BROKEN, EDGES, Scene, consent

BANKING = "198.18.20.0/24"
ONE = Window(1, 60)


def damage_that_goes_on(scene: Scene) -> list[str]:
    """It takes back what was announced a moment ago, which repairs nothing; more of that than the breaker allows."""
    allow(flap=timedelta(0))
    lose(scene)
    run = rescued(scene)
    with override_settings(BREAKER_DAMAGE=0):
        return attempt(scene, lambda: undo(scene, run))


def two_at_the_same_thing(scene: Scene) -> list[str]:
    """Somebody has cleared the lock of a run by hand, as that of a dead one; the run was alive.

    It takes the route back, while the run that has the lock now announces it.
    """
    allow(flap=timedelta(0))
    lose(scene)
    run = rescued(scene)

    def meanwhile(taking_back: Run) -> None:
        ResourceLock.objects.filter(run=taking_back).update(live=False)
        lose(scene, edges=("edge-a",))
        scene.start()

    return attempt(scene, lambda: undo(scene, run), meanwhile)


def two_at_once(scene: Scene) -> list[str]:
    allow(most_resources=1)
    lose(scene)
    lose(scene, OTHER)
    return attempt(scene, lambda: scene.start(BROKEN, OTHER))


def one_after_the_other(scene: Scene) -> list[str]:
    allow(organization_window=ONE)
    lose(scene)
    lose(scene, OTHER)
    rescued(scene, BROKEN)
    return attempt(scene, lambda: scene.start(OTHER))


def two_at_one_location(scene: Scene) -> list[str]:
    allow(location_window=ONE)
    lose(scene, edges=("edge-a",))
    lose(scene, OTHER, ("edge-a",))
    rescued(scene, BROKEN)
    return attempt(scene, lambda: scene.start(OTHER))


def two_locations_of_one_zone(scene: Scene) -> list[str]:
    allow(zone_window=ONE)
    Location.objects.filter(slug__in=("edge-a", "edge-b")).update(zone="eu-west")
    lose(scene, edges=("edge-a",))
    lose(scene, OTHER, ("edge-b",))
    rescued(scene, BROKEN)
    return attempt(scene, lambda: scene.start(OTHER))


def two_customers(scene: Scene) -> list[str]:
    allow(platform_window=ONE)
    allow(BANK, tier=1)
    lose(scene, OTHER)
    lose(scene, BANKING)
    bank = Organization.objects.get(slug=BANK)
    plan = propose(scene.stranger, bank, "readvertise_prefix", [scene.resource(BANKING)])
    run = scene.carry_on(start(scene.stranger, bank, consent(plan)))
    assert run.outcome == Outcome.SUCCEEDED, (run.because, run.detail)
    return attempt(scene, lambda: scene.start(OTHER))


def again_at_once(scene: Scene) -> list[str]:
    allow(cool_down=timedelta(minutes=30))
    lose(scene)
    rescued(scene)
    lose(scene)
    return attempt(scene, scene.start)


def back_and_forth(scene: Scene) -> list[str]:
    lose(scene)
    run = rescued(scene)
    return attempt(scene, lambda: undo(scene, run))


def both(scene: Scene) -> bool:
    return [scene.visible(name) for name in (BROKEN, OTHER)] == [list(EDGES), list(EDGES)]


def second_one(scene: Scene) -> bool:
    """Whether the one that the limit would keep as it is was changed too."""
    return scene.visible(OTHER) == list(EDGES)


def repaired_again(scene: Scene) -> bool:
    return scene.visible() == list(EDGES)


CASES = (
    Case("guard.breaker", damage_that_goes_on, silenced),
    Case("guard.one-at-a-time", two_at_the_same_thing, silenced),
    Case("guard.most-resources", two_at_once, both),
    Case("guard.window-organization", one_after_the_other, second_one),
    Case("guard.window-location", two_at_one_location, second_one),
    Case("guard.window-zone", two_locations_of_one_zone, second_one),
    Case("guard.window-platform", two_customers, second_one),
    Case("guard.cool-down", again_at_once, repaired_again),
    Case("guard.flap", back_and_forth, silenced),
)
