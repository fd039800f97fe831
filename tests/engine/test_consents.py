"""Support acts for a customer: the same preview, guards and proof, both names in the audit, and an end at any time."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from incidents.domain.circumstances import Proposal
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.findings import blockers
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.advance import advance
from incidents.engine.circumstances import ask_guards
from incidents.lab.lab import Lab
from incidents.models import Attempt, AuditEntry, CallerConsent, Person, Plan, Run
from incidents.models.clock import database_now
from incidents.services import hand_backs
from incidents.services.consents import end
from incidents.services.control import overrule, stop
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests.consents import record_consent
from tests.scene import Scene, consent, set_scene


def desk() -> Person:
    return Person.objects.get(username="support-desk")


def preview(scene: Scene) -> Plan:
    return propose(desk(), scene.organization, "readvertise_prefix", [scene.resource()])


def act(scene: Scene) -> tuple[CallerConsent, Run]:
    """The support desk starts a run, as a caller has asked."""
    agreed = record_consent(desk(), scene.organization)
    return agreed, start(desk(), scene.organization, consent(preview(scene)))


def entries(run: Run) -> list[dict[str, Any]]:
    return [json.loads(bytes(row.body)) for row in AuditEntry.objects.filter(run=str(run.pk)).order_by("index")]


def test_without_a_consent_support_sees_and_changes_nothing(scene: Scene) -> None:
    scene.break_()
    with pytest.raises(NotAllowed):
        preview(scene)
    run = scene.start()
    with pytest.raises(NotAllowed):
        stop(desk(), run)


def test_a_run_by_consent_is_like_any_other_and_carries_both_names(scene: Scene) -> None:
    scene.break_()
    agreed, run = act(scene)
    assert (run.plan.consent, run.started_by) == (agreed, desk())
    run = scene.carry_on(run)
    assert (run.outcome, scene.visible()) == (Outcome.SUCCEEDED, ["edge-a", "edge-b", "edge-c"])
    told = entries(run)
    whole = {"organization": "example-shop", "consent": str(agreed.pk), "caller": "Kim of Example Shop"}
    assert [one["event"] for one in told if one["data"].get("on_behalf") != whole] == []
    assert next(one for one in told if one["event"] == "run.accepted")["actor"]["name"] == "support-desk"


def test_a_run_by_right_speaks_of_no_consent(scene: Scene) -> None:
    scene.break_()
    record_consent(desk(), scene.organization)
    run = scene.carry_on(scene.start())
    assert run.plan.consent is None
    assert [one["event"] for one in entries(run) if "on_behalf" in one["data"]] == []


@pytest.mark.parametrize("how", ["customer", "over", "role"])
def test_what_ends_between_two_stages_keeps_the_second_from_being_applied(
    db: None, world: Lab, tmp_path: Path, how: str
) -> None:
    """The first location is proven only after the consent has gone; by then nothing more may be sent."""
    scene = set_scene(world, tmp_path, within_seconds="1")
    scene.break_()
    agreed, run = act(scene)
    scene.end_session("edge-a")
    run = scene.carry_on(run)
    assert (run.phase, run.stage) == (Phase.PAUSED, 0)
    if how == "customer":
        end(scene.operator, agreed)
    elif how == "over":
        CallerConsent.objects.update(expires_at=database_now())
    else:
        desk().groups.remove(Group.objects.get(name="support"))
    scene.mend_session("edge-a")
    for _ in range(3):
        advance(run.pk)
    run.refresh_from_db()
    code = "guard.permission" if how == "role" else "guard.consent"
    assert (run.outcome, run.because, run.stage) == (Outcome.STOPPED, code, 1)
    assert scene.visible() == ["edge-a"]
    assert not Attempt.objects.filter(target__run=run, target__stage=1).exists()
    assert set(run.targets.filter(stage=1).values_list("step", flat=True)) == {Step.LEFT}
    if how == "customer":
        assert run.detail == "an operator of Example Shop has ended the consent to act for the customer."


def test_a_consent_that_was_withdrawn_before_the_button_starts_nothing(scene: Scene) -> None:
    scene.break_()
    agreed = record_consent(desk(), scene.organization)
    plan = preview(scene)
    end(scene.operator, agreed)
    with pytest.raises(Refused, match="has ended the consent"):
        start(desk(), scene.organization, consent(plan))
    assert not Run.objects.exists()
    assert AuditEntry.objects.filter(event="run.refused").count() == 1


def test_a_new_consent_does_not_revive_a_preview_of_the_old_one(scene: Scene) -> None:
    scene.break_()
    agreed = record_consent(desk(), scene.organization)
    plan = preview(scene)
    end(scene.operator, agreed)
    record_consent(desk(), scene.organization)
    with pytest.raises(Refused, match="has ended the consent"):
        start(desk(), scene.organization, consent(plan))


def test_a_consent_to_one_is_none_to_another_of_the_support(scene: Scene) -> None:
    scene.break_()
    agreed = record_consent(desk(), scene.organization)
    plan = preview(scene)
    other = Person.objects.create(username="other-desk")
    other.groups.add(Group.objects.get(name="support"))
    proposal = Proposal.of(plan.thaw())

    def against(person: Person) -> set[str]:
        said = ask_guards(proposal, plan.preapproval, person, None, database_now())
        return {finding.code for finding in blockers(said)}

    assert (against(desk()), against(other)) == (set(), {"guard.consent"})
    agreed.allowed.all().delete()
    assert against(desk()) == {"guard.consent"}


def test_an_end_wakes_a_run_that_waits(scene: Scene) -> None:
    scene.break_()
    agreed, run = act(scene)
    later = database_now() + timedelta(minutes=5)
    Run.objects.filter(pk=run.pk).update(wake_at=later)
    end(scene.operator, agreed)
    run.refresh_from_db()
    assert run.wake_at < later


def test_support_may_stop_and_undo_by_consent_but_not_decide_more(scene: Scene) -> None:
    scene.break_()
    run = scene.carry_on(scene.start())
    record_consent(desk(), scene.organization)
    assert propose_undo(desk(), run).consent is not None
    with pytest.raises(NotAllowed):
        hand_backs.extend(desk(), run, 10)
    with pytest.raises(NotAllowed):
        overrule(desk(), run, "it looks fine")


def test_support_may_stop_any_run_of_whom_they_act_for(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    agreed = record_consent(desk(), scene.organization)
    stop(desk(), run)
    run = scene.carry_on(run)
    assert (run.outcome, run.stop_asked_by) == (Outcome.STOPPED, desk())
    told = next(one for one in entries(run) if one["event"] == "run.stop-asked")
    assert (told["actor"]["name"], told["data"]["on_behalf"]["consent"]) == ("support-desk", str(agreed.pk))
