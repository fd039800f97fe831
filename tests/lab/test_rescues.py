"""The actions put right what the lab breaks: the whole way on real daemons, with visitors as the judges."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from incidents.actions.base import Wish
from incidents.domain.runs import Outcome
from incidents.engine.handing_back import hand_back_due
from incidents.lab.lab import Lab
from incidents.lab.web import visit
from incidents.models import HandBack
from incidents.services.propose import propose
from incidents.services.start import start
from tests.scene import Scene, consent, set_scene


@pytest.fixture
def scene(db: None, healed_lab: Lab, tmp_path: Path) -> Scene:
    return set_scene(healed_lab, tmp_path, budget=3)


def rescue(scene: Scene, action: str, name: str) -> None:
    plan = propose(scene.operator, scene.organization, action, [scene.resource(name)])
    run = scene.carry_on(start(scene.operator, scene.organization, consent(plan)))
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")


def felt(addresses: dict[str, str]) -> set[int]:
    """What visitors are answered who come six times to each address."""
    return {visit(address).status for address in list(addresses.values()) * 6}


def test_a_bad_deploy_is_reverted_by_a_commit(scene: Scene) -> None:
    repository = scene.lab.facts()["repository"]
    scene.break_("bad_deploy")
    assert (scene.damage("checkout"), felt(repository["pages"])) == ("bad_deploy", {500})
    rescue(scene, "revert_deploy", "checkout")
    assert felt(repository["pages"]) == {200}
    command = ["git", "-C", repository["url"], "log", "--format=%s", "main"]
    history = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    # Two stages, so two commits on top of the one that broke it.
    assert history.index("Release 1.43") == 2


def test_traffic_is_shifted_away_from_the_origin_that_fails(scene: Scene) -> None:
    fronts = scene.lab.facts()["balancer"]["fronts"]
    scene.break_("traffic_stuck")
    assert (scene.damage("shop-web"), felt(fronts)) == ("misrouted", {503})
    rescue(scene, "shift_traffic_back", "shop-web")
    assert felt(fronts) == {200}
    origins = scene.lab.status()["origins"]
    assert {name: (origin["weight"], origin["ready"]) for name, origin in origins.items()} == {
        "origin-a": (100, True),
        "origin-b": (100, False),
        "origin-c": (100, True),
    }


def test_traffic_goes_away_from_a_location_and_comes_home_by_itself(scene: Scene) -> None:
    fronts = scene.lab.facts()["balancer"]["fronts"]
    pool = scene.resource("shop-web")
    plan = propose(scene.operator, scene.organization, "shift_traffic_away", [pool], Wish("edge-a", 60))
    run = scene.carry_on(start(scene.operator, scene.organization, consent(plan)))
    assert (run.outcome, weights(scene), felt(fronts)) == (Outcome.SUCCEEDED, [0, 100, 100], {200})
    past = timezone.now() - timedelta(seconds=1)
    HandBack.objects.filter(run=run).update(due_at=past, try_at=past)
    hand_back_due()
    back = HandBack.objects.get(run=run).done_by
    assert back is not None
    assert scene.carry_on(back).outcome == Outcome.SUCCEEDED
    assert (weights(scene), felt(fronts)) == ([100, 100, 100], {200})


def weights(scene: Scene) -> list[int]:
    """What the balancer itself says, from origin-a to origin-c."""
    return [origin["weight"] for _, origin in sorted(scene.lab.status()["origins"].items())]
