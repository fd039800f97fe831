"""One edge is a GoBGP that refuses, lies, hangs, or dies half-way; the run page says what is true at each location."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from incidents.adapters.gobgp import GoBgp
from incidents.domain.changes import Cause, Change
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.lab.lab import Lab
from incidents.models import Binding, Run
from tests.fakes.gobgp import FakeGoBgp
from tests.processes import until
from tests.scene import BROKEN, Scene, set_scene

SECOND = "edge-b"
OTHER = "192.0.2.0/24"


@pytest.fixture
def router() -> Iterator[FakeGoBgp]:
    fake = FakeGoBgp().start()
    yield fake
    fake.stop()


@pytest.fixture
def scene(db: None, world: Lab, tmp_path: Path, router: FakeGoBgp) -> Scene:
    """The simulated world, but for the router of the second edge, which speaks GoBGP's API."""
    scene = set_scene(world, tmp_path)
    good = dict(
        Binding.objects.filter(backend__slug=f"router-{SECOND}", aspect="route").values_list("key", "seen__state")
    )
    text = (tmp_path / "inventory.yaml").read_text()
    simulated = re.search(rf"- name: router-{SECOND}\n  kind: simulated\n.*?address: \S+\n", text, re.DOTALL)
    assert simulated is not None
    gobgp = simulated[0].replace("kind: simulated", "kind: gobgp")
    gobgp = re.sub(r"address: \S+", f"address: {router.address}", gobgp)
    (tmp_path / "inventory.yaml").write_text(text.replace(simulated[0], gobgp))
    call_command("inventory", "apply", str(tmp_path / "inventory.yaml"), stdout=StringIO())
    announce(router, good)
    router.calls.clear()
    poll_once()
    poll_once()
    scene.break_()
    scene.break_("one_location")
    for prefix in (BROKEN, OTHER):
        del router.table[prefix]
    poll_once()
    assert (scene.damage(BROKEN), scene.damage(OTHER)) == ("withdrawn", "withdrawn")
    return scene


def announce(router: FakeGoBgp, states: dict[str, dict[str, object]]) -> None:
    adapter = GoBgp.from_settings(
        name="setup", settings={"address": router.address}, secret=str, keys=frozenset(states), budget_seconds=5
    )
    changes = [
        Change("", key, SECOND, "setup", "", "route", key, before={"advertised": False}, after=state)  # type: ignore[arg-type]
        for key, state in states.items()
    ]
    adapter.apply(changes, Cause("setup"))
    adapter.close()


def run_page(scene: Scene, run: Run) -> str:
    client = Client()
    client.force_login(scene.operator)
    page = client.get(f"/runs/{run.reference}").content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def steps(run: Run) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for location, step in run.targets.values_list("location__slug", "step"):
        found.setdefault(location, set()).add(step)
    return found


def test_lying(scene: Scene, router: FakeGoBgp) -> None:
    """It answers OK and does nothing."""
    run = scene.start(BROKEN, OTHER)
    router.mode = "lie"
    run = scene.carry_on(run, seconds=30)
    assert run.outcome == Outcome.FAILED
    assert steps(run)[SECOND] == {Step.FAILED}
    assert Step.FAILED not in steps(run)["edge-a"] | steps(run)["edge-c"]
    page = run_page(scene, run)
    assert "nothing changed" in page
    assert "Frankfurt" in page
    assert "reachable again" not in page
    assert router.table.keys() & {BROKEN, OTHER} == set()


def test_refusing(scene: Scene, router: FakeGoBgp) -> None:
    """It refuses every call. One silent location is tolerated: it is left out, named, and holds up nobody."""
    run = scene.start(BROKEN, OTHER)
    router.mode = "refuse"
    run = scene.carry_on(run, seconds=40)
    assert run.outcome == Outcome.SUCCEEDED
    assert steps(run) == {"edge-a": {Step.VERIFIED}, SECOND: {Step.SKIPPED}, "edge-c": {Step.VERIFIED}}
    page = run_page(scene, run)
    print(page)
    assert "left out. Its control system does not answer" in page
    assert "Frankfurt" in page
    assert router.table.keys() & {BROKEN, OTHER} == set()


def test_hanging(scene: Scene, router: FakeGoBgp) -> None:
    run = scene.start(BROKEN, OTHER)
    router.mode = "stall"
    advance(run.pk)
    run.refresh_from_db()
    assert run.phase == Phase.RUNNING
    assert steps(run)["edge-c"] == {Step.IN_PLACE}
    assert "reachable again" not in run_page(scene, run)


def test_dying_half_way_through_a_batch(scene: Scene, router: FakeGoBgp) -> None:
    """The first of two was done before the connection broke; nobody claims more, and the rest is sent again."""
    run = scene.start(BROKEN, OTHER)
    router.mode = "die"
    run = scene.carry_on(run)
    done = router.table.keys() & {BROKEN, OTHER}
    assert len(done) == 1
    assert run.outcome == Outcome.FAILED
    told = {target.resource.name: target.step for target in run.targets.filter(location__slug=SECOND)}
    assert {name for name, step in told.items() if step == Step.IN_PLACE} == done
    page = run_page(scene, run)
    assert "reachable again" not in page
    assert next(iter({BROKEN, OTHER} - done)) in page


def test_recovering_after_a_batch_that_broke(scene: Scene, router: FakeGoBgp) -> None:
    run = scene.start(BROKEN, OTHER)
    router.mode = "die"
    recovery = threading.Thread(target=lambda: recover(router))
    recovery.start()
    advance(run.pk)
    recovery.join()
    assert router.table.keys() >= {BROKEN, OTHER}
    assert steps(run)[SECOND] == {Step.IN_PLACE}
    # What the broken batch had done was not sent again: two streams, of two and of one.
    assert router.calls.count("AddPathStream") == 2


def recover(router: FakeGoBgp) -> None:
    """Well again as soon as it has broken one batch."""
    until(lambda: "AddPathStream" in router.calls, 20)
    time.sleep(0.1)
    router.mode = "ok"
