"""A run from start to end on the simulated world, and what it leaves behind."""

from __future__ import annotations

import json

import pytest

from incidents.audit.verify import verify
from incidents.domain.canonical import decode
from incidents.domain.runs import Outcome, Step
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.models import Attempt, AuditEntry, EngineerEntry, Observation, ResourceLock, StageVerdict
from tests.scene import BROKEN, EDGES, Scene


def events(run_id: object) -> list[str]:
    return list(AuditEntry.objects.filter(run=str(run_id)).order_by("index").values_list("event", flat=True))


def test_a_withdrawn_prefix_is_restored_and_proven(scene: Scene) -> None:
    scene.break_()
    assert scene.visible() == []
    assert scene.damage() == "withdrawn"
    run = scene.carry_on(scene.start())
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    assert scene.visible() == list(EDGES)
    assert set(run.targets.values_list("step", flat=True)) == {Step.VERIFIED}
    # The page is right at once, not only after the next round of the poller.
    assert scene.damage() == "healthy"
    assert not ResourceLock.objects.filter(live=True).exists()
    assert verify().fault == ""


def test_it_goes_one_location_first(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    assert [row.stage for row in run.targets.order_by("index")] == [0, 1, 1]
    assert list(StageVerdict.objects.filter(run=run).order_by("stage").values_list("mark", flat=True)) == [
        "pass",
        "pass",
    ]
    told = events(run.pk)
    assert told.index("stage.passed") < told.index("target.attempted", told.index("stage.passed"))


def test_the_intent_is_durable_before_the_effect(scene: Scene) -> None:
    """Promise 6: held against the ledger that the world itself keeps."""
    scene.break_()
    before = len((scene.lab.directory / "ledger.jsonl").read_text().splitlines())
    run = scene.carry_on(scene.start())
    lines = (scene.lab.directory / "ledger.jsonl").read_text().splitlines()[before:]
    effects = [entry for line in lines if (entry := json.loads(line)).get("performed")]
    intents = [
        decode(bytes(entry.body)) for entry in AuditEntry.objects.filter(run=str(run.pk), event="target.attempted")
    ]
    assert len(effects) == len(EDGES)
    assert len(intents) == len(EDGES)
    for effect in effects:
        matching = [one for one in intents if f"router-{one['data']['location']}" == effect["backend"]]  # type: ignore[index,call-overload]
        assert matching
        assert matching[0]["time"] < effect["at"]  # type: ignore[index,call-overload]
    assert Attempt.objects.filter(target__run=run).count() == len(EDGES)


def test_a_service_binding_that_is_gone_is_an_engineers(scene: Scene) -> None:
    scene.break_("withdrawn_unbound")
    name = "198.51.100.0/24"
    assert scene.damage(name) == "withdrawn_unbound"
    assert EngineerEntry.objects.filter(resource__name=name, closed_at__isnull=True).exists()
    codes = {item["code"] for item in scene.propose(name).findings if item["severity"] == "blocker"}
    assert "guard.service-gone" in codes
    scene.lab.heal()
    poll_once()
    assert scene.damage(name) == "healthy"
    assert not EngineerEntry.objects.filter(closed_at__isnull=True).exists()


def test_only_the_location_that_lost_it_is_touched(scene: Scene) -> None:
    scene.break_("one_location")
    damaged = [name for name, seen in scene.lab.status()["visible"].items() if len(seen) < len(EDGES)]
    assert len(damaged) == 1
    run = scene.carry_on(scene.start(damaged[0]))
    assert run.outcome == Outcome.SUCCEEDED
    assert run.targets.count() == 1
    assert scene.visible(damaged[0]) == list(EDGES)


def test_many_resources_in_one_run(scene: Scene) -> None:
    scene.break_()
    scene.break_("one_location")
    names = [name for name, seen in scene.lab.status()["visible"].items() if len(seen) < len(EDGES)]
    run = scene.carry_on(scene.start(*names))
    assert run.outcome == Outcome.SUCCEEDED
    assert run.targets.count() == len(EDGES) + 1
    assert all(scene.visible(name) == list(EDGES) for name in names)


def test_an_ended_run_is_never_touched_again(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    count = AuditEntry.objects.count()
    for _ in range(10):
        advance(run.pk)
    assert AuditEntry.objects.count() == count
    assert Attempt.objects.filter(target__run=run).count() == len(EDGES)


def test_what_is_right_already_is_not_sent_again(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    scene.lab.heal()
    run = scene.carry_on(run)
    assert run.outcome == Outcome.SUCCEEDED
    assert Attempt.objects.filter(target__run=run).count() == 0
    assert set(run.targets.values_list("because", flat=True)) == {"target.already-so"}


@pytest.mark.parametrize("rounds", [2, 5])
def test_a_quiet_round_of_the_poller_writes_no_history(scene: Scene, rounds: int) -> None:
    poll_once()
    count = Observation.objects.count()
    for _ in range(rounds):
        assert poll_once() == 0
    assert Observation.objects.count() == count


def test_no_route_is_known_good_while_it_is_withdrawn(scene: Scene) -> None:
    scene.break_()
    for _ in range(3):
        poll_once()
    good = scene.resource(BROKEN).bindings.filter(aspect="route").values_list("good__state__advertised", flat=True)
    assert set(good) == {True}
