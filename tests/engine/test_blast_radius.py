"""The day of 2026-02-20 in small: what would have stopped it, and what must not be stopped while it is repaired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from incidents.domain.errors import EmptySelector, Refused
from incidents.domain.runs import Outcome
from incidents.domain.terms import read_terms
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.lab import talk
from incidents.lab.lab import Lab
from incidents.models import AuditEntry, Breaker, Location, Organization, Person, Preapproval, Resource, Run, Target
from incidents.models.clock import database_now
from incidents.selectors.run import read_run
from incidents.services import breakers
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import UNDO_FOR, propose_undo
from tests.factories import agree_on
from tests.scene import BROKEN, EDGES, Scene, consent, set_scene

# As many as were withdrawn that day, in the first 50 minutes.
MANY = 1100
LIMIT = 100


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("large"), prefixes=MANY, simulated=True) as lab:
        yield lab


@pytest.fixture
def platform(db: None, large: Lab, tmp_path: Path, settings: Settings) -> Scene:
    """1,108 prefixes, and an operator who may announce all of them again; nothing but the breaker is in the way."""
    scene = set_scene(large, tmp_path, budget=3)
    allow(flap=timedelta(0))
    settings.BREAKER_DAMAGE, settings.BREAKER_DAMAGE_PERCENT, settings.BREAKER_RESCUES = LIMIT, 50, 5000
    return scene


def allow(**terms: object) -> None:
    row = Preapproval.objects.get(action="readvertise_prefix", organization__slug="example-shop")
    agree_on(row, replace(read_terms(row.terms), **terms).as_json())  # type: ignore[arg-type]


def many(scene: Scene) -> list[Resource]:
    return list(Resource.objects.filter(organization=scene.organization, name__startswith="10."))


def withdraw(scene: Scene, resources: list[Resource]) -> None:
    gone = {row.name: {"advertised": False} for row in resources}
    for edge in EDGES:
        talk.ask(scene.lab.facts()["world"]["address"], op="put", backend=f"router-{edge}", states=gone)
    poll_once()


def run_of(scene: Scene, resources: list[Resource]) -> Run:
    plan = propose(scene.operator, scene.organization, "readvertise_prefix", resources)
    return scene.carry_on(start(scene.operator, scene.organization, consent(plan)), seconds=120)


def announced(scene: Scene, edge: str) -> int:
    states = scene.states(f"router-{edge}")
    return sum(1 for name, state in states.items() if name.startswith("10.") and state.get("advertised") is True)


def test_a_mass_change_that_names_nothing_is_refused_at_the_door(platform: Scene) -> None:
    with pytest.raises(EmptySelector):
        propose(platform.operator, platform.organization, "readvertise_prefix", [])
    assert (Run.objects.count(), announced(platform, "edge-a")) == (0, MANY)


def test_a_mass_change_is_stopped_in_its_first_stage_and_undone_by_one_tap(platform: Scene) -> None:
    """As broad as that day's, and well-formed: it takes back all that was announced a moment ago."""
    resources = many(platform)
    withdraw(platform, resources)
    rescue = run_of(platform, resources)
    assert rescue.outcome == Outcome.SUCCEEDED, (rescue.because, rescue.detail)

    plan = propose_undo(platform.operator, rescue)
    harm = platform.carry_on(start(platform.operator, platform.organization, consent(plan)), seconds=120)

    assert (harm.outcome, harm.because, harm.stage) == (Outcome.STOPPED, "guard.breaker", 0)
    # Half of what the limit allows goes at a time, so the first breach is found before the third piece.
    sent = Target.objects.filter(run=harm, attempts__gt=0)
    assert sent.count() == LIMIT
    assert [announced(platform, edge) for edge in EDGES] == [MANY - LIMIT, MANY, MANY]
    told = [json.loads(bytes(entry.body)) for entry in AuditEntry.objects.filter(event="target.attempted")]
    named = {name for one in told if one["run"] == str(harm.pk) for name in one["data"]["resources"]}
    assert named == {target.resource.name for target in sent.select_related("resource")}

    page = read_run(harm, UNDO_FOR, database_now())
    assert set(page.changed) == named
    assert page.undo.until is not None

    [breaker] = Breaker.objects.all()
    assert (breaker.action, breaker.rescue, breaker.run) == ("readvertise_prefix", False, harm)
    assert breaker.because == (
        f"Within 10 minutes {LIMIT + 50} things would have been changed in ways that repair nothing. "
        f"The limit is {LIMIT}."
    )

    back = propose_undo(platform.operator, harm)
    assert len(back.thaw().changes) == LIMIT
    healed = platform.carry_on(start(platform.operator, platform.organization, consent(back)), seconds=120)
    assert healed.outcome == Outcome.SUCCEEDED, (healed.because, healed.detail)
    assert [announced(platform, edge) for edge in EDGES] == [MANY, MANY, MANY]
    print(f"incident replay: {MANY} asked for, {sent.count()} changed before the breaker opened, 1 tap put them back")


def test_a_storm_of_rescues_passes(platform: Scene) -> None:
    resources = many(platform)
    withdraw(platform, resources)
    assert announced(platform, "edge-a") == 0
    outcomes = [run_of(platform, resources[first : first + 55]).outcome for first in range(0, MANY, 55)]
    assert outcomes == [Outcome.SUCCEEDED] * 20
    assert [announced(platform, edge) for edge in EDGES] == [MANY, MANY, MANY]
    assert not Breaker.objects.exists()


def test_an_open_breaker_stops_every_other_run_of_the_action_until_a_person_closes_it(
    scene: Scene, settings: Settings
) -> None:
    allow(flap=timedelta(0))
    settings.BREAKER_DAMAGE = 0
    desk = Person.objects.get(username="support-desk")
    scene.break_()
    rescued = scene.carry_on(scene.start())
    stopped = scene.carry_on(undo(scene, rescued))
    assert (stopped.outcome, stopped.because) == (Outcome.STOPPED, "guard.breaker")
    assert scene.visible() == list(EDGES)
    with pytest.raises(Refused, match="We have stopped this for everybody since"):
        undo(scene, rescued)
    # What repairs is not stopped by it.
    scene.break_("one_location")
    assert scene.carry_on(scene.start("192.0.2.0/24")).outcome == Outcome.SUCCEEDED

    [breaker] = Breaker.objects.all()
    with pytest.raises(Refused, match="Write what was looked at"):
        breakers.close(desk, breaker, " ")
    breakers.close(desk, breaker, "It was the drill")
    settings.BREAKER_DAMAGE = 100
    assert scene.carry_on(undo(scene, rescued)).outcome == Outcome.SUCCEEDED
    assert scene.visible() == []
    events = list(AuditEntry.objects.filter(event__startswith="breaker.").values_list("event", flat=True))
    assert events == ["breaker.opened", "breaker.closed"]


def undo(scene: Scene, run: Run) -> Run:
    return start(scene.operator, scene.organization, consent(propose_undo(scene.operator, run)))


def test_runs_that_fail_their_proof_too_often_stop_the_action(scene: Scene, settings: Settings) -> None:
    """The first location is proven, and lost again while the others are still being restored."""
    settings.BREAKER_FAILURES = 2
    for name in (BROKEN, BROKEN, BROKEN):
        run = run_that_comes_undone(scene, name)
        assert (run.outcome, run.because) == (Outcome.FAILED, "run.came-undone")
    # One thing that is tried again and again, by one customer, stops nobody.
    assert not Breaker.objects.exists()
    bank = Organization.objects.get(slug="example-bank")
    Run.objects.filter(pk=run_that_comes_undone(scene, "192.0.2.0/24").pk).update(organization=bank)
    assert not Breaker.objects.exists()
    run_that_comes_undone(scene, BROKEN)
    [breaker] = Breaker.objects.all()
    assert (breaker.rescue, breaker.because) == (True, "Within 10 minutes 5 of 5 runs did not work.")
    with pytest.raises(Refused, match=r"5 of 5 runs did not work\. Call us\."):
        scene.start()


def run_that_comes_undone(scene: Scene, name: str) -> Run:
    for edge in EDGES:
        scene.put(edge, {"advertised": False}, name)
    poll_once()
    run = scene.start(name)
    scene.mode("edge-b", "hang")
    advance(run.pk)
    scene.put("edge-a", {"advertised": False}, name)
    scene.mode("edge-b", "ok")
    return scene.carry_on(run)


def test_locations_where_nobody_is_hurt_come_first(scene: Scene) -> None:
    Location.objects.filter(slug="edge-c").update(staging=True)
    scene.break_()
    value = scene.propose().thaw()
    places = [[value.changes[index].location for index in stage] for stage in value.stages]
    assert places == [["edge-c"], ["edge-a"], ["edge-b"]]
