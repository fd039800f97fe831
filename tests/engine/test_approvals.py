"""A second person: who may be one, and what their answer does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from incidents.domain.approvals import State
from incidents.domain.errors import KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.runs import Outcome, Phase
from incidents.engine.poller import poll_once
from incidents.lab.lab import Lab
from incidents.models import (
    Approval,
    Attempt,
    AuditEntry,
    Notice,
    Person,
    Plan,
    Run,
)
from incidents.services import approvals
from incidents.services.approvals import Answer
from incidents.services.break_glass import break_glass
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.engine.asking import ask, events, nothing_was_sent, person, yes
from tests.scene import BROKEN, Scene, consent, set_scene

# The way it is meant.


@pytest.mark.parametrize("who", ["shop-owner", "support-desk"])
def test_a_second_person_agrees_and_it_runs(tier3: Scene, who: str) -> None:
    row = ask(tier3)
    assert (row.state, events("approval.asked")) == (State.WAITING, 1)
    run = approvals.approve(person(who), row, yes(row))
    assert run.started_by == tier3.operator
    run = tier3.carry_on(run)
    assert run.outcome == Outcome.SUCCEEDED
    assert events("approval.given") == 1
    assert Notice.objects.filter(person=tier3.operator, text__contains=run.reference).count() == 1


def test_without_a_second_person_nothing_starts(tier3: Scene) -> None:
    plan = tier3.propose()
    with pytest.raises(Refused, match="second person has to agree") as caught:
        start(tier3.operator, tier3.organization, consent(plan, reason="now"))
    assert [finding.code for finding in caught.value.findings] == ["guard.second-person"]
    assert not Run.objects.exists()


def test_the_same_form_twice_asks_once(tier3: Scene) -> None:
    posted = consent(tier3.propose(), reason="down", word="SERIOUS")
    rows = {approvals.ask(tier3.operator, tier3.organization, posted).pk for _ in range(3)}
    assert len(rows) == 1
    assert events("approval.asked") == 1


def test_a_reason_is_asked_for(tier3: Scene) -> None:
    with pytest.raises(Refused, match="Write why"):
        ask(tier3, reason=" ")
    assert not Approval.objects.exists()


@pytest.mark.parametrize("word", ["", "yes", "ALONE"])
def test_tier_3_asks_for_a_word(tier3: Scene, word: str) -> None:
    with pytest.raises(Refused, match="Type the word SERIOUS"):
        approvals.ask(tier3.operator, tier3.organization, consent(tier3.propose(), reason="down", word=word))
    assert not Approval.objects.exists()


def test_an_undo_of_it_takes_a_second_person_too(tier3: Scene) -> None:
    row = ask(tier3)
    run = tier3.carry_on(approvals.approve(person("shop-owner"), row, yes(row)))
    plan = propose_undo(tier3.operator, run)
    with pytest.raises(Refused):
        start(tier3.operator, tier3.organization, consent(plan, reason="back"))


def test_above_a_size_a_second_person_is_asked_for(db: None, world: Lab, tmp_path: Path) -> None:
    scene = set_scene(world, tmp_path, tier="1\n  second_person_above: 1")
    scene.break_()
    names = [BROKEN, "198.51.100.0/24"]
    for location in ("edge-a", "edge-b", "edge-c"):
        scene.put(location, {"advertised": False}, names[1])
    poll_once()
    two, one = scene.propose(*names), scene.propose(BROKEN)
    with pytest.raises(Refused, match="second person"):
        start(scene.operator, scene.organization, consent(two))
    assert start(scene.operator, scene.organization, consent(one)).phase == Phase.ACCEPTED


# Who may not.


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("shop-operator", "what they ask for themselves"),
        ("shop-viewer", "not agree to it"),
        ("bank-operator", "not agree to it"),
        ("reviewer", "not agree to it"),
        ("engineer", "not agree to it"),
    ],
)
def test_who_may_not_agree(tier3: Scene, who: str, words: str) -> None:
    row = ask(tier3)
    with pytest.raises(NotAllowed, match=words):
        approvals.approve(person(who), row, yes(row))
    with pytest.raises(NotAllowed, match=words):
        approvals.deny(person(who), row, Answer(row.plan_id, "no"))
    row.refresh_from_db()
    assert row.state == State.WAITING
    assert events("approval.refused") == 1, "the same refusal within a minute is written down once"
    assert nothing_was_sent(tier3)


def test_a_second_sign_in_of_the_same_human_may_not_agree(tier3: Scene) -> None:
    row = ask(tier3)
    Person.objects.filter(username__in=("shop-operator", "shop-owner")).update(identity="badge 4711")
    row.refresh_from_db()
    with pytest.raises(NotAllowed, match="same human"):
        approvals.approve(person("shop-owner"), row, yes(row))


def test_two_whom_one_has_invited_do_not_agree_with_each_other(tier3: Scene) -> None:
    owner = person("shop-owner")
    family = Person.objects.filter(username__in=("shop-operator", "bank-owner"))
    family.update(invited_by=owner, identity="")
    second = person("bank-owner")
    second.groups.add(Group.objects.get(name="example-shop/operators"))
    row = ask(tier3)
    for who in (second, owner):
        with pytest.raises(NotAllowed, match="by the same invitations"):
            approvals.approve(who, row, yes(row))
    family.filter(username="shop-operator").update(identity="badge 1")
    family.filter(username="bank-owner").update(identity="badge 2")
    row = Approval.objects.get()
    assert approvals.approve(person("bank-owner"), row, yes(row)).phase == Phase.ACCEPTED


# One form, one plan.


def test_the_key_of_another_request_is_refused_and_written_down(glass: Scene) -> None:
    first = consent(glass.propose(), reason="down", word="SERIOUS")
    approvals.ask(glass.operator, glass.organization, first)
    other = replace(consent(glass.propose(), reason="down", word="SERIOUS"), key=first.key)
    with pytest.raises(KeyReused):
        approvals.ask(glass.operator, glass.organization, other)
    with pytest.raises(KeyReused):
        break_glass(glass.operator, glass.organization, replace(other, word="ALONE"))
    with pytest.raises(KeyReused):
        start(glass.operator, glass.organization, other)
    assert (Approval.objects.count(), Run.objects.count(), events("run.refused")) == (1, 0, 3)


def test_the_key_of_an_earlier_run_is_refused_when_asking(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers", word="ALONE")
    glass.carry_on(break_glass(glass.operator, glass.organization, posted))
    glass.break_()
    again = replace(consent(glass.propose(), reason="down", word="SERIOUS"), key=posted.key)
    with pytest.raises(KeyReused):
        approvals.ask(glass.operator, glass.organization, again)


def test_a_no_holds_for_every_sign_in(glass: Scene) -> None:
    row = ask(glass)
    approvals.deny(person("shop-owner"), row, Answer(row.plan_id, "wait"))
    other = person("bank-operator")
    other.groups.add(Group.objects.get(name="example-shop/operators"))
    plan = propose(other, glass.organization, "readvertise_prefix", [glass.resource()])
    with pytest.raises(Refused, match="said no to this"):
        break_glass(other, glass.organization, consent(plan, reason="now", word="ALONE"))


# Final.


def test_a_no_is_final(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="down", word="SERIOUS")
    row = approvals.ask(glass.operator, glass.organization, posted)
    with pytest.raises(Refused, match="Write why not"):
        approvals.deny(person("shop-owner"), row, Answer(row.plan_id))
    approvals.deny(person("shop-owner"), row, Answer(row.plan_id, "wait for the network team"))
    with pytest.raises(Refused, match="decided already"):
        approvals.approve(person("support-desk"), row, yes(row))
    with pytest.raises(Refused):
        break_glass(glass.operator, glass.organization, replace(posted, word="ALONE"))
    with pytest.raises(Refused, match="second person"):
        start(glass.operator, glass.organization, posted)
    assert approvals.ask(glass.operator, glass.organization, posted).state == State.DENIED
    # Nor with a plan that reads the same.
    with pytest.raises(Refused, match="said no to this"):
        break_glass(glass.operator, glass.organization, consent(glass.propose(), reason="x", word="ALONE"))
    assert nothing_was_sent(glass)


def test_it_expires(tier3: Scene) -> None:
    row = ask(tier3)
    past = row.asked_at - timedelta(seconds=1)
    Approval.objects.filter(pk=row.pk).update(expires_at=past)
    row.refresh_from_db()
    with pytest.raises(PlanExpired):
        approvals.approve(person("shop-owner"), row, yes(row))
    row.refresh_from_db()
    assert row.state == State.OVERTAKEN
    assert nothing_was_sent(tier3)


def test_a_longer_life_written_into_the_row_does_not_help(tier3: Scene) -> None:
    row = ask(tier3)
    Plan.objects.filter(pk=row.plan_id).update(expires_at=row.asked_at)
    Approval.objects.filter(pk=row.pk).update(expires_at=row.asked_at + timedelta(days=1))
    row.refresh_from_db()
    with pytest.raises(PlanExpired):
        approvals.approve(person("shop-owner"), row, yes(row))


def test_who_asked_can_take_it_back(tier3: Scene) -> None:
    row = ask(tier3)
    with pytest.raises(NotAllowed):
        approvals.withdraw(person("shop-owner"), row)
    approvals.withdraw(tier3.operator, row)
    with pytest.raises(Refused, match="decided already"):
        approvals.approve(person("shop-owner"), row, yes(row))


def test_the_world_moved_since_it_was_asked(tier3: Scene) -> None:
    row = ask(tier3)
    tier3.lab.heal()
    poll_once()
    with pytest.raises(PlanChanged):
        approvals.approve(person("shop-owner"), row, yes(row))
    row.refresh_from_db()
    assert (row.state, bytes(row.statement or b"")) == (State.OVERTAKEN, b"")
    assert not Attempt.objects.exists()


def test_a_page_that_showed_another_plan_agrees_to_nothing(tier3: Scene) -> None:
    row = ask(tier3)
    for answer in (approvals.approve, approvals.deny):
        with pytest.raises(Refused, match="another plan"):
            answer(person("shop-owner"), row, Answer("0" * 64, "no"))
    row.refresh_from_db()
    assert row.state == State.WAITING
    told = AuditEntry.objects.filter(event="approval.refused")
    assert ["approval.other-plan" in bytes(entry.body).decode() for entry in told] == [True]


# Revoked between ask, agree and effect.


def leave(name: str, group: str) -> None:
    person(name).groups.remove(Group.objects.get(name=group))


def test_the_asker_lost_the_right_before_the_yes(tier3: Scene) -> None:
    row = ask(tier3)
    leave("shop-operator", "example-shop/operators")
    with pytest.raises(NotAllowed):
        approvals.approve(person("shop-owner"), row, yes(row))
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("name", "group", "code"),
    [
        ("shop-operator", "example-shop/operators", "guard.permission"),
        ("shop-owner", "example-shop/owners", "guard.second-person"),
    ],
)
def test_a_right_lost_before_the_effect(tier3: Scene, name: str, group: str, code: str) -> None:
    row = ask(tier3)
    run = approvals.approve(person("shop-owner"), row, yes(row))
    leave(name, group)
    run = tier3.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, code)
    assert nothing_was_sent(tier3)
