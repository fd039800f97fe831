"""What somebody who can write to the database, or to Redis, gains by it: nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings

from incidents.domain.approvals import State
from incidents.domain.errors import Refused
from incidents.domain.runs import Outcome, Phase, Step
from incidents.domain.verdicts import Mark
from incidents.engine import seals
from incidents.engine.advance import advance
from incidents.engine.handing_back import hand_back_due
from incidents.models import (
    Approval,
    Attempt,
    HandBack,
    Plan,
    Preapproval,
    ResourceLock,
    Run,
    RunReading,
    StageVerdict,
    Target,
)
from incidents.services import approvals
from incidents.services.start import start
from incidents.services.undo import propose_undo
from incidents.tasks import advance_run
from tests.engine.asking import ask, nothing_was_sent, person, yes
from tests.scene import Scene, consent


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
