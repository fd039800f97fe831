"""Each way in which a backend misbehaves: the run tells the truth at each location, and the world agrees."""

from __future__ import annotations

from datetime import timedelta

from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine import advance as engine
from incidents.engine.backends import GRACE
from incidents.engine.poller import poll_once
from incidents.models import Attempt, Run
from tests.scene import BROKEN, EDGES, Scene

SECOND = "edge-b"  # in the second stage, beside edge-c


def steps(run: Run) -> dict[str, str]:
    return dict(run.targets.values_list("location__slug", "step"))


def because(run: Run, location: str = SECOND) -> str:
    return run.targets.get(location__slug=location).because


def misbehave(scene: Scene, mode: str, only: str = "apply", seconds: float = 1.0) -> Run:
    """A run that is started while all is well with the backends; then one of them begins to misbehave."""
    scene.break_()
    run = scene.start()
    scene.mode(SECOND, mode, only, seconds)
    return run


def test_refusing(scene: Scene) -> None:
    run = scene.carry_on(misbehave(scene, "refuse"))
    assert run.outcome == Outcome.FAILED
    assert steps(run) == {"edge-a": Step.VERIFIED, SECOND: Step.FAILED, "edge-c": Step.IN_PLACE}
    assert because(run) == "backend.refused"
    assert scene.visible() == ["edge-a", "edge-c"]


def test_lying(scene: Scene) -> None:
    """It says OK and does nothing: promise 9, a receipt is not a result."""
    run = scene.carry_on(misbehave(scene, "lie"))
    assert run.outcome == Outcome.FAILED
    assert steps(run) == {"edge-a": Step.VERIFIED, SECOND: Step.FAILED, "edge-c": Step.IN_PLACE}
    assert because(run) == "backend.did-nothing"
    assert scene.visible() == ["edge-a", "edge-c"]


def test_applying_and_losing_the_reply(scene: Scene) -> None:
    """Promise 2: what was done is found by looking, and not done again."""
    before = scene.performed(SECOND)
    run = scene.carry_on(misbehave(scene, "drop_reply"))
    assert run.outcome == Outcome.SUCCEEDED
    assert scene.visible() == list(EDGES)
    assert scene.performed(SECOND) - before == 1


def test_slow_but_within_its_budget(scene: Scene) -> None:
    run = scene.carry_on(misbehave(scene, "slow", seconds=0.1))
    assert run.outcome == Outcome.SUCCEEDED
    assert scene.visible() == list(EDGES)


def test_dying_half_way_through_a_batch(scene: Scene) -> None:
    scene.break_()
    scene.break_("one_location")
    broken = sorted(name for name, seen in scene.lab.status()["visible"].items() if SECOND not in seen)
    assert len(broken) == 2
    run = scene.start(*broken)
    scene.mode(SECOND, "die", "apply")
    before = scene.performed(SECOND)
    run = scene.carry_on(run)
    assert run.outcome == Outcome.SUCCEEDED
    assert all(SECOND in scene.visible(name) for name in broken)
    # Each was made so once: what the first, broken batch had done was not sent again.
    assert scene.performed(SECOND) - before == 2


def test_hanging_says_openly_that_the_outcome_is_unknown(scene: Scene) -> None:
    run = misbehave(scene, "hang", only="")
    for _ in range(2):
        engine.advance(run.pk)
    run.refresh_from_db()
    assert run.phase == Phase.RUNNING
    # One sick backend hurts only itself: the location beside it in the same stage is restored meanwhile.
    assert "edge-c" in scene.visible()
    assert steps(run)["edge-c"] == Step.IN_PLACE
    assert run.because in ("run.outcome-unknown", "backend.unreachable")
    scene.mode(SECOND, "ok")
    run = scene.carry_on(run)
    assert run.outcome == Outcome.SUCCEEDED
    assert scene.visible() == list(EDGES)


def test_a_first_location_that_hangs_at_the_preview_is_named(scene: Scene) -> None:
    scene.break_()
    scene.mode("edge-a", "hang")
    plan = scene.propose()
    named = [item for item in plan.findings if item["code"] == "guard.unreachable-location"]
    assert [item["subject"] for item in named] == ["edge-a"]
    poll_once()
    # What was withdrawn is still known to be; what does not answer is said to be unseen.
    diagnosis = scene.resource().diagnoses.get(until__isnull=True)
    assert diagnosis.damage == "withdrawn"


def test_no_attempt_outlives_its_budget(scene: Scene) -> None:
    run = misbehave(scene, "hang")
    engine.advance(run.pk)
    took = [
        attempt.answered_at - attempt.at
        for attempt in Attempt.objects.filter(target__run=run, target__location__slug=SECOND)
        if attempt.answered_at is not None
    ]
    # The budget of 0.4 s, what is granted above it, and the two commits.
    assert took
    assert max(took) < timedelta(seconds=0.4 + GRACE + 1)


def test_a_registry_that_is_away_does_not_hide_a_withdrawn_route(scene: Scene) -> None:
    scene.lab.mode("registry", "hang")
    scene.break_()
    assert scene.damage(BROKEN) == "withdrawn"
