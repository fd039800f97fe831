"""The actions put right what the lab breaks: the whole way on real daemons, with visitors as the judges."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from incidents.actions.base import Wish
from incidents.domain.runs import Outcome
from incidents.engine.handing_back import hand_back_due
from incidents.lab.lab import Lab
from incidents.lab.web import visit
from incidents.models import Diagnosis, HandBack
from incidents.selectors.remedies import everything
from incidents.services.propose import propose
from incidents.services.start import start
from tests.scene import EDGES, Scene, consent, set_scene


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
    pages = scene.lab.facts()["repository"]["pages"]
    scene.break_("bad_deploy")
    assert (scene.damage("checkout"), felt(pages)) == ("bad_deploy", {500})
    rescue(scene, "revert_deploy", "checkout")
    assert felt(pages) == {200}
    # Two stages, so two commits on top of the one that broke it.
    assert history(scene).index("Release 1.43") == 2


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


def history(scene: Scene) -> list[str]:
    """Subjects of the commits at the head, the newest first."""
    command = ["git", "-C", scene.lab.facts()["repository"]["url"], "log", "--format=%s", "main"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_policy_that_blocks_is_rolled_back_by_a_commit(scene: Scene) -> None:
    gates = scene.lab.facts()["repository"]["gates"]
    scene.break_("policy_blocks")
    assert (scene.damage("shop-gate"), felt(gates)) == ("policy_blocks", {403})
    rescue(scene, "roll_back_policy", "shop-gate")
    assert felt(gates) == {200}
    # Two stages, so two commits on top of the one that broke it.
    assert history(scene).index("Clear the list of who may come in") == 2


def test_the_last_good_keys_are_published_again(scene: Scene) -> None:
    sign_ins = scene.lab.facts()["repository"]["sign_ins"]
    scene.break_("keys_wrong")
    assert (scene.damage("shop-sign-in"), felt(sign_ins)) == ("keys_wrong", {403})
    rescue(scene, "restore_keys", "shop-sign-in")
    assert felt(sign_ins) == {200}


def test_a_name_leads_to_the_shop_again(scene: Scene) -> None:
    scene.break_("record_wrong")
    assert (scene.damage("shop-www"), ours(scene)) == ("record_wrong", {False})
    rescue(scene, "restore_record", "shop-www")
    assert ours(scene) == {True}


def test_the_worst_day_is_put_right_by_one_run(scene: Scene) -> None:
    facts = scene.lab.facts()
    scene.break_("everything")
    damaged = {"203.0.113.0/24", "checkout", "shop-web", "shop-gate", "shop-www", "shop-sign-in"}
    rows = Diagnosis.objects.filter(until=None, resource__organization=scene.organization)
    assert set(rows.exclude(damage="healthy").values_list("resource__name", flat=True)) == damaged
    resources = everything(scene.operator, scene.organization, "restore_to")
    plan = propose(scene.operator, scene.organization, "restore_to", resources)
    order = list(dict.fromkeys(change.name for change in plan.thaw().changes))
    assert order == ["shop-gate", "shop-sign-in", "checkout", "shop-web", "shop-www", "203.0.113.0/24"]
    run = scene.carry_on(
        start(scene.operator, scene.organization, replace(consent(plan), understood=True)), seconds=120
    )
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    given = facts["repository"]
    assert felt(given["gates"]) | felt(given["sign_ins"]) | felt(given["pages"]) == {200}
    assert (felt(facts["balancer"]["fronts"]), ours(scene)) == ({200}, {True})
    assert scene.visible() == list(EDGES)


def ours(scene: Scene) -> set[bool]:
    """Whether our page is there where the name leads, by the name server of each location."""
    return {one["ours"] for one in scene.lab.status()["names"].values()}


def weights(scene: Scene) -> list[int]:
    """What the balancer itself says, from origin-a to origin-c."""
    return [origin["weight"] for _, origin in sorted(scene.lab.status()["origins"].items())]
