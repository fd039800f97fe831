"""A second person: what lets a run begin, and what somebody who can write to the database or to Redis gains by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from pytest_django import Settings

from incidents.domain.approvals import State, Statement
from incidents.domain.errors import KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.engine import seals
from incidents.engine.advance import advance
from incidents.engine.handing_back import hand_back_due
from incidents.engine.poller import poll_once
from incidents.lab.lab import Lab
from incidents.models import (
    Approval,
    Attempt,
    AuditEntry,
    HandBack,
    Notice,
    Person,
    Plan,
    Preapproval,
    ResourceLock,
    Review,
    Run,
    RunReading,
    StageVerdict,
    Target,
)
from incidents.services import approvals
from incidents.services.approvals import Answer
from incidents.services.break_glass import break_glass
from incidents.services.propose import propose
from incidents.services.reviews import finish
from incidents.services.start import start
from incidents.services.undo import propose_undo
from incidents.tasks import advance_run
from tests.factories import agree_on
from tests.scene import BROKEN, Scene, consent, set_scene


@pytest.fixture
def tier3(db: None, world: Lab, tmp_path: Path) -> Scene:
    made = set_scene(world, tmp_path, tier="3")
    made.break_()
    return made


@pytest.fixture
def glass(db: None, world: Lab, tmp_path: Path) -> Scene:
    made = set_scene(world, tmp_path, tier="3")
    row = Preapproval.objects.get(action="readvertise_prefix", organization=made.organization)
    agree_on(row, {**row.terms, "break_glass": True})
    made.break_()
    return made


def person(name: str) -> Person:
    return Person.objects.get(username=name)


def ask(scene: Scene, reason: str = "the shop is down") -> Approval:
    plan = scene.propose()
    return approvals.ask(scene.operator, scene.organization, consent(plan, reason=reason, word="serious"))


def yes(row: Approval) -> Answer:
    return Answer(row.plan_id)


def events(name: str) -> int:
    return AuditEntry.objects.filter(event=name).count()


def nothing_was_sent(scene: Scene) -> bool:
    return scene.visible() == [] and not Attempt.objects.exists()


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


# Somebody writes to the database, or to Redis.


def test_a_state_flipped_by_sql_starts_nothing(tier3: Scene) -> None:
    posted = consent(tier3.propose(), reason="down", word="SERIOUS")
    row = approvals.ask(tier3.operator, tier3.organization, posted)
    Approval.objects.filter(pk=row.pk).update(
        state=State.APPROVED, decided_by=person("shop-owner"), decided_at=row.asked_at
    )
    with pytest.raises(Refused, match="second person"):
        start(tier3.operator, tier3.organization, posted)
    assert nothing_was_sent(tier3)


def test_an_approval_taken_away_by_sql_after_the_start_stops_the_effect(tier3: Scene) -> None:
    row = ask(tier3)
    run = approvals.approve(person("shop-owner"), row, yes(row))
    Approval.objects.filter(pk=row.pk).update(signature="x" * 43)
    run = tier3.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.second-person")
    assert nothing_was_sent(tier3)


def test_an_approval_of_another_plan_is_worth_nothing(tier3: Scene) -> None:
    """The signature of an earlier yes, copied beside a new plan."""
    first = ask(tier3)
    run = tier3.carry_on(approvals.approve(person("shop-owner"), first, yes(first)))
    assert run.outcome == Outcome.SUCCEEDED
    tier3.break_()
    first.refresh_from_db()
    posted = consent(tier3.propose(), reason="again", word="SERIOUS")
    second = approvals.ask(tier3.operator, tier3.organization, posted)
    Approval.objects.filter(pk=second.pk).update(
        state=State.APPROVED,
        decided_by=first.decided_by,
        decided_at=first.decided_at,
        statement=first.statement,
        signature=first.signature,
    )
    with pytest.raises(Refused, match="second person"):
        start(tier3.operator, tier3.organization, posted)


@pytest.mark.parametrize(
    "edit",
    [
        {"started_by": "shop-owner"},
        {"seal": ""},
        {"seal": "A" * 43},
        {"reference": "RUN-FAKE-00"},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_a_run_that_was_edited_runs_nothing(scene: Scene, edit: dict[str, str]) -> None:
    scene.break_()
    run = scene.start()
    fields = {key: person(value) if key == "started_by" else value for key, value in edit.items()}
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.seal")
    assert nothing_was_sent(scene)


def test_a_run_that_points_at_another_plan_runs_nothing(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    other = scene.propose()
    Run.objects.filter(pk=run.pk).update(plan=other)
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.seal")
    assert nothing_was_sent(scene)


def test_terms_that_were_edited_let_nobody_past_the_second_person(tier3: Scene) -> None:
    row = Preapproval.objects.get(action="readvertise_prefix", organization=tier3.organization)
    Preapproval.objects.filter(pk=row.pk).update(terms={**row.terms, "tier": 1})
    plan = tier3.propose()
    assert "guard.seal" in [finding["code"] for finding in plan.findings if finding["severity"] == "blocker"]
    with pytest.raises(Refused, match="not what people have agreed to"):
        start(tier3.operator, tier3.organization, consent(plan, reason="now"))
    assert nothing_was_sent(tier3)


@pytest.mark.parametrize("edit", ["findings", "seal", "proposed_by"])
def test_a_plan_that_was_edited_is_not_started(scene: Scene, edit: str) -> None:
    scene.break_()
    scene.mode("edge-a", "hang")
    made = scene.propose()
    values = {"findings": [], "seal": "x" * 43, "proposed_by": scene.viewer}
    Plan.objects.filter(pk=made.pk).update(**{edit: values[edit]})
    who = scene.viewer if edit == "proposed_by" else scene.operator
    with pytest.raises(Refused, match="not what was shown"):
        start(who, scene.organization, consent(made))


def test_a_plan_of_ones_own_making_is_not_started(tier3: Scene) -> None:
    """The same changes, frozen by somebody else's hand as what takes one person only."""
    made = tier3.propose()
    body, digest = replace(made.thaw(), second_person=()).freeze()
    Plan.objects.filter(pk=made.pk).update(digest=digest, body=body)
    with pytest.raises(Refused, match="not what was shown"):
        start(tier3.operator, tier3.organization, consent(Plan.objects.get(pk=digest), reason="now"))
    assert nothing_was_sent(tier3)


def again(run: Run) -> None:
    """As somebody who can write to the database would have it run once more."""
    Attempt.objects.filter(target__run=run).delete()
    Target.objects.filter(run=run).update(step=Step.WAITING, attempts=0)
    RunReading.objects.filter(run=run).delete()
    StageVerdict.objects.filter(run=run).delete()
    ResourceLock.objects.filter(run=run).update(live=True)
    late = run.accepted_at
    Run.objects.filter(pk=run.pk).update(phase=Phase.ACCEPTED, outcome="", ended_at=None, stage=0, lease_until=late)


def test_a_run_that_has_ended_is_not_run_again(tier3: Scene) -> None:
    row = ask(tier3)
    run = tier3.carry_on(approvals.approve(person("shop-owner"), row, yes(row)))
    assert run.outcome == Outcome.SUCCEEDED
    tier3.break_()
    again(run)
    run = tier3.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.seal")
    assert nothing_was_sent(tier3)


def test_a_longer_deadline_is_no_deadline_that_was_agreed_to(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    Run.objects.filter(pk=run.pk).update(deadline_at=run.deadline_at + timedelta(days=1))
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.seal")


def test_a_verdict_that_nobody_overruled_carries_nothing_on(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    StageVerdict.objects.create(
        run=run, stage=0, mark=Mark.INCONCLUSIVE, at=run.accepted_at, overruled_by=scene.operator
    )
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "guard.seal")
    assert nothing_was_sent(scene)


def test_nobody_agrees_to_what_a_row_says_that_another_asked(tier3: Scene) -> None:
    row = ask(tier3)
    other = person("bank-operator")
    other.groups.add(Group.objects.get(name="example-shop/operators"))
    Approval.objects.filter(pk=row.pk).update(asked_by=other)
    row = Approval.objects.get()
    with pytest.raises(Refused):
        approvals.approve(tier3.operator, row, yes(row))
    assert nothing_was_sent(tier3)


def test_a_run_that_nobody_started_is_not_undone(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    assert run.outcome == Outcome.SUCCEEDED
    Run.objects.filter(pk=run.pk).update(seal="made up")
    run.refresh_from_db()
    with pytest.raises(Refused, match="not what was run"):
        propose_undo(scene.operator, run)


def test_a_promise_that_nobody_made_brings_nothing_back(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    HandBack.objects.create(run=run, due_at=run.accepted_at, try_at=run.accepted_at)
    before = scene.visible()
    hand_back_due()
    row = HandBack.objects.get()
    assert (row.because, row.ended_at is not None, scene.visible()) == ("guard.seal", True, before)
    assert Run.objects.count() == 1


def test_a_seal_of_another_console_is_worth_nothing(scene: Scene, settings: Settings) -> None:
    scene.break_()
    run = scene.start()
    settings.SECRET_KEY = "the key of somebody else"
    assert not seals.run_is_sealed(run)
    settings.SECRET_KEY_FALLBACKS = ["only-for-tests"]
    assert seals.run_is_sealed(run)


def test_a_message_with_the_id_of_what_was_not_agreed_to_does_nothing(tier3: Scene) -> None:
    row = ask(tier3)
    advance_run(str(row.pk))
    advance_run(row.plan_id[:32])
    advance(row.pk)
    assert nothing_was_sent(tier3)


# One person alone.


def test_breaking_the_glass(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers the phone", word="SERIOUS")
    with pytest.raises(Refused, match="Type the word ALONE"):
        break_glass(glass.operator, glass.organization, replace(posted, word="yes"))
    run = glass.carry_on(break_glass(glass.operator, glass.organization, replace(posted, word=" alone ")))
    assert run.outcome == Outcome.SUCCEEDED
    told = set(Notice.objects.filter(text__contains="alone").values_list("person__username", flat=True))
    assert told == {"shop-operator", "shop-owner", "support-desk"}
    assert events("approval.break-glass") == 1
    review = Review.objects.get(done_at=None)
    assert review.run == run


def test_it_is_reviewed_by_another_human(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers", word="SERIOUS")
    run = break_glass(glass.operator, glass.organization, replace(posted, word="ALONE"))
    review = Review.objects.get()
    for who in ("shop-operator", "shop-owner", "support-desk"):
        with pytest.raises(NotAllowed):
            finish(person(who), review, "looks right")
    Person.objects.filter(username="reviewer").update(identity="shop-operator")
    with pytest.raises(NotAllowed):
        finish(person("reviewer"), review, "looks right")
    Person.objects.filter(username="reviewer").update(identity="reviewer")
    with pytest.raises(Refused, match="Write what"):
        finish(person("reviewer"), review, "")
    finish(person("reviewer"), review, "looks right")
    with pytest.raises(Refused, match="already"):
        finish(person("reviewer"), review, "looks right")
    assert AuditEntry.objects.filter(event="review.finished", run=str(run.pk)).count() == 1


def test_who_owes_a_review_does_not_go_alone_again(glass: Scene) -> None:
    posted = consent(glass.propose(), reason="nobody answers", word="SERIOUS")
    glass.carry_on(break_glass(glass.operator, glass.organization, replace(posted, word="ALONE")))
    Review.objects.update(opened_at=F("opened_at") - timedelta(hours=73))
    glass.break_()
    with pytest.raises(Refused, match="has not been reviewed"):
        break_glass(glass.operator, glass.organization, consent(glass.propose(), reason="x", word="ALONE"))


def test_only_where_the_preapproval_allows_it(tier3: Scene) -> None:
    posted = consent(tier3.propose(), reason="nobody answers", word="SERIOUS")
    with pytest.raises(NotAllowed, match="one person alone"):
        break_glass(tier3.operator, tier3.organization, replace(posted, word="ALONE"))
    assert not Run.objects.exists()


def test_a_yes_of_ones_own_written_by_the_console_counts_only_as_broken_glass(tier3: Scene) -> None:
    """Even a statement with a good signature: nobody is their own second person where the glass may not be broken."""
    posted = consent(tier3.propose(), reason="down", word="SERIOUS")
    row = approvals.ask(tier3.operator, tier3.organization, posted)
    for alone in (True, False):
        said = Statement(str(row.pk), row.plan_id, str(row.asked_by_id), str(row.asked_by_id), row.asked_at, alone)
        statement, signature = seals.seal_approval(said)
        Approval.objects.filter(pk=row.pk).update(
            state=State.APPROVED, decided_by=row.asked_by, statement=statement, signature=signature, alone=alone
        )
        with pytest.raises(Refused):
            start(tier3.operator, tier3.organization, posted)
