"""Going on against a check: by name, where the preapproval lets people, with a reason and a second person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.domain.errors import Refused
from incidents.domain.findings import Finding, Severity
from incidents.domain.runs import Outcome
from incidents.domain.terms import Window, read_terms
from incidents.models import AuditEntry, Notice, Plan, Preapproval
from incidents.services import approvals
from incidents.services.break_glass import break_glass
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.engine.asking import person, yes
from tests.factories import agree_on
from tests.scene import BROKEN, EDGES, Scene, consent

COOL = "guard.cool-down"


def allow(**terms: object) -> None:
    row = Preapproval.objects.get(action="readvertise_prefix", organization__slug="example-shop")
    agree_on(row, replace(read_terms(row.terms), **terms).as_json())  # type: ignore[arg-type]


@pytest.fixture
def cooling(scene: Scene) -> Scene:
    """A prefix that was repaired a moment ago, and is lost again."""
    allow(cool_down=timedelta(minutes=30), overridable=(COOL,))
    scene.break_()
    assert scene.carry_on(scene.start()).outcome == Outcome.SUCCEEDED
    scene.break_()
    return scene


def again(scene: Scene, *overridden: str) -> Plan:
    return propose(
        scene.operator, scene.organization, "readvertise_prefix", [scene.resource(BROKEN)], overridden=overridden
    )


def stops(plan: Plan) -> list[str]:
    found = [Finding.from_json(item) for item in plan.findings]
    return [one.code for one in found if one.severity is Severity.BLOCKER]


def test_without_it_the_check_stands(cooling: Scene) -> None:
    plan = again(cooling)
    assert stops(plan) == [COOL]
    with pytest.raises(Refused, match="Wait until"):
        start(cooling.operator, cooling.organization, consent(plan))


def test_it_takes_a_reason_the_word_and_a_second_person_and_is_told(cooling: Scene) -> None:
    plan = again(cooling, COOL)
    assert (stops(plan), plan.thaw().second_person) == ([], ("override",))
    with pytest.raises(Refused, match="A second person has to agree"):
        start(cooling.operator, cooling.organization, consent(plan))
    for fields, words in (({"word": "OVERRIDE"}, "Write why"), ({"reason": "still down"}, "Type the word OVERRIDE")):
        with pytest.raises(Refused, match=words):
            approvals.ask(cooling.operator, cooling.organization, consent(plan, **fields))
    said = consent(plan, reason="still down", word="override")
    row = approvals.ask(cooling.operator, cooling.organization, said)

    run = cooling.carry_on(approvals.approve(person("shop-owner"), row, yes(row)))

    assert (run.outcome, cooling.visible()) == (Outcome.SUCCEEDED, list(EDGES))
    [entry] = AuditEntry.objects.filter(event="guard.overridden")
    told = json.loads(bytes(entry.body))
    assert (told["actor"]["name"], told["data"]["reason"]) == ("shop-operator", "still down")
    assert [check["code"] for check in told["data"]["checks"]] == [COOL]
    notices = Notice.objects.filter(text__contains="went on against guard.cool-down: still down")
    assert {notice.person.username for notice in notices} >= {"shop-owner", "support-desk", "engineer"}


def test_what_the_preapproval_does_not_let_people_override_stands(cooling: Scene) -> None:
    allow(cool_down=timedelta(minutes=30), overridable=("guard.flap",))
    plan = again(cooling, COOL, "guard.permission")
    assert (stops(plan), plan.thaw().overridden) == ([COOL], ())


def test_what_does_not_stop_it_is_not_overridden(scene: Scene) -> None:
    """A link with codes in it waives no check that was never shown."""
    allow(overridable=(COOL, "guard.window-platform"))
    scene.break_()
    plan = again(scene, COOL, "guard.window-platform").thaw()
    assert (plan.overridden, plan.second_person) == ((), ())


def test_nobody_overrides_alone(cooling: Scene) -> None:
    allow(cool_down=timedelta(minutes=30), overridable=(COOL,), break_glass=True)
    plan = again(cooling, COOL)
    with pytest.raises(Refused, match="Nobody goes on against checks alone"):
        break_glass(cooling.operator, cooling.organization, consent(plan, reason="still down", word="ALONE"))
    assert cooling.visible() == []


def test_one_override_leaves_the_other_checks(cooling: Scene) -> None:
    allow(cool_down=timedelta(minutes=30), overridable=(COOL,), platform_window=Window(0, 60))
    assert stops(again(cooling, COOL)) == ["guard.window-platform"]


def test_a_route_may_be_taken_back_early_by_two_people(scene: Scene) -> None:
    allow(overridable=("guard.flap",))
    scene.break_()
    run = scene.carry_on(scene.start())
    assert stops(propose_undo(scene.operator, run)) == ["guard.flap"]
    plan = propose_undo(scene.operator, run, ["guard.flap"])
    said = consent(plan, reason="it must be silent", word="OVERRIDE")
    row = approvals.ask(scene.operator, scene.organization, said)
    ended = scene.carry_on(approvals.approve(person("shop-owner"), row, yes(row)))
    assert (ended.outcome, scene.visible()) == (Outcome.SUCCEEDED, [])
