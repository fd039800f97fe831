"""What a preapproval asks of the moment: that an incident is open, that the person is on call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from incidents.domain.errors import Refused
from incidents.domain.findings import Finding, blockers
from incidents.domain.runs import Outcome
from incidents.engine import on_call
from incidents.lab.lab import Lab
from incidents.models import Incident, Person, Plan, Rota, Run
from incidents.models.clock import database_now
from incidents.services import approvals
from incidents.services.approvals import Answer
from incidents.services.start import start
from tests.factories import agree_on
from tests.fakes.on_call import FakeOnCall
from tests.fakes.sockets import closed_address
from tests.scene import Scene, consent, set_scene

ROTA = "shop-on-call"


@pytest.fixture
def system() -> Iterator[FakeOnCall]:
    with FakeOnCall() as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never answers is given up soon."""
    monkeypatch.setattr(on_call, "BUDGET", 0.3)


def scene_with(world: Lab, folder: Path, condition: str) -> Scene:
    made = set_scene(world, folder, tier=f"1\n  only_when: {condition}")
    made.break_()
    return made


@pytest.fixture
def in_incident(db: None, world: Lab, tmp_path: Path) -> Scene:
    return scene_with(world, tmp_path, "{incident: true}")


def against(plan: Plan) -> list[str]:
    return [item.code for item in blockers(tuple(Finding.from_json(item) for item in plan.findings))]


def test_only_while_an_incident_is_open(in_incident: Scene) -> None:
    plan = in_incident.propose()
    assert against(plan) == ["guard.incident"]
    with pytest.raises(Refused, match="while an incident is open"):
        start(in_incident.operator, in_incident.organization, consent(plan))
    Incident.objects.create(organization=in_incident.organization, opened_at=database_now())
    run = in_incident.carry_on(in_incident.start())
    assert run.outcome == Outcome.SUCCEEDED


def test_an_incident_closed_before_the_effect_stops_it(in_incident: Scene) -> None:
    incident = Incident.objects.create(organization=in_incident.organization, opened_at=database_now())
    run = in_incident.start()
    Incident.objects.filter(pk=incident.pk).update(closed_at=database_now())
    run = in_incident.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.incident")
    assert in_incident.visible() == []


@pytest.fixture
def asked(db: None, world: Lab, tmp_path: Path) -> Scene:
    """A scene whose preapproval asks a rota; each test says who is on it."""
    Rota.objects.create(slug=ROTA)
    made = set_scene(world, tmp_path)
    made.break_()
    row = made.propose().preapproval
    agree_on(row, {**row.terms, "on_call": ROTA})
    return made


def take_turns(*people: str) -> None:
    since = (database_now() - timedelta(minutes=30)).isoformat()
    Rota.objects.update(turns={"people": list(people), "since": since, "hours": 1})


def ask_at(system: FakeOnCall, **settings: str) -> None:
    Rota.objects.update(settings={"url": system.url, **settings})


def test_whose_turn_it_is(asked: Scene) -> None:
    take_turns("shop-owner", "shop-operator")
    assert against(asked.propose()) == ["guard.on-call"]
    take_turns("shop-operator", "shop-owner")
    run = asked.carry_on(asked.start())
    assert run.outcome == Outcome.SUCCEEDED


def test_a_shift_that_ended_before_the_effect_stops_it(asked: Scene) -> None:
    take_turns("shop-operator")
    run = asked.start()
    take_turns("shop-owner")
    run = asked.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.on-call")
    assert asked.visible() == []


def test_an_on_call_system_tells(asked: Scene, system: FakeOnCall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTA_TOKEN", "hush")
    ask_at(system, token="env:ROTA_TOKEN")
    system.names = ["shop-operator"]
    on_call.refresh()
    assert asked.carry_on(asked.start()).outcome == Outcome.SUCCEEDED
    assert system.asked == ["Bearer hush"]
    on_call.refresh()
    assert len(system.asked) == 1, "a fresh answer is not asked for again"


def test_somebody_else_is_on_call(asked: Scene, system: FakeOnCall) -> None:
    ask_at(system)
    system.names = ["shop-owner"]
    on_call.refresh()
    assert against(asked.propose()) == ["guard.on-call"]


@pytest.mark.parametrize("mode", ["hang", "cut", "broken", "garbage", "other", "number"])
def test_a_system_in_trouble_leaves_its_last_answer_and_says_why(
    asked: Scene, system: FakeOnCall, mode: str, quick: None
) -> None:
    ask_at(system)
    system.names = ["shop-operator"]
    on_call.refresh()
    Rota.objects.update(answered_at=database_now() - timedelta(minutes=2))
    system.mode = mode
    on_call.refresh()
    row = Rota.objects.get()
    assert (row.answer, bool(row.problem)) == (["shop-operator"], True)
    assert against(asked.propose()) == []


def test_a_stale_answer_is_unknown_and_takes_a_second_person(asked: Scene, system: FakeOnCall) -> None:
    ask_at(system)
    system.names = ["shop-operator"]
    on_call.refresh()
    Rota.objects.update(answered_at=database_now() - timedelta(minutes=6))
    plan = asked.propose()
    with pytest.raises(Refused, match="second person"):
        start(asked.operator, asked.organization, consent(plan, reason="down"))
    row = approvals.ask(asked.operator, asked.organization, consent(plan, reason="down"))
    run = approvals.approve(Person.objects.get(username="shop-owner"), row, Answer(plan.digest))
    assert asked.carry_on(run).outcome == Outcome.SUCCEEDED


def test_an_answer_that_grows_stale_under_way_stops_the_next_effect(asked: Scene, system: FakeOnCall) -> None:
    ask_at(system)
    system.names = ["shop-operator"]
    on_call.refresh()
    run = asked.start()
    Rota.objects.update(answered_at=database_now() - timedelta(minutes=6))
    run = asked.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.on-call")
    assert not Run.objects.filter(outcome=Outcome.SUCCEEDED).exists()


def test_a_system_that_was_never_reached_is_unknown(asked: Scene, quick: None, settings: Settings) -> None:
    Rota.objects.update(settings={"url": f"http://{closed_address()}"})
    on_call.refresh()
    row = Rota.objects.get()
    assert (row.answer, "could not be reached" in row.problem) == (None, True)
    assert asked.propose().preapproval is not None
    with pytest.raises(Refused, match="second person"):
        asked.start()
