"""Going back: everything that differs, in one run; repeated, interrupted or twice at once, it ends the same."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from guardian.shortcuts import assign_perm

from incidents.actions.base import Wish
from incidents.domain.errors import HandrailError, Refused
from incidents.domain.findings import Finding, Severity
from incidents.domain.runs import Outcome, Phase, Step
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.models import Attempt, Freeze, Plan, Point, Preapproval, Run, Snapshot, Target
from incidents.models.clock import database_now
from incidents.selectors.remedies import everything
from incidents.services.control import stop
from incidents.services.freeze import Over, set_freeze
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests import factories
from tests.engine.asking import person
from tests.scene import BROKEN, EDGES, Scene, consent

BROKEN_BY = ("withdrawn", "one_location", "bad_deploy", "traffic_stuck")


def allow(scene: Scene) -> Preapproval:
    """Lets owners put back everything of the organization, as operators may, and all of them without waiting."""
    terms = replace(
        factories.make_terms(), steps=(50, 100), probes=("collector", "tcp", "web", "front"), flap=timedelta(0)
    )
    row = Preapproval.objects.get(action="restore_to", organization=scene.organization)
    assign_perm("incidents.use_preapproval", Group.objects.get(name="example-shop/owners"), row)
    factories.agree_on(row, terms.as_json())
    return row


def break_everything(scene: Scene) -> None:
    for scenario in BROKEN_BY:
        scene.lab.break_(scenario)
    poll_once()


def plan_of(scene: Scene, wish: Wish | None = None, name: str = "shop-operator") -> Plan:
    who = person(name)
    resources = everything(who, scene.organization, "restore_to")
    return propose(who, scene.organization, "restore_to", resources, wish or Wish())


def texts(plan: Plan, severity: Severity) -> list[str]:
    return [one.text for one in map(Finding.from_json, plan.findings) if one.severity is severity]


def differing(scene: Scene) -> set[str]:
    """Names of what is not as it was proven good, by a fresh look."""
    return {change.name for change in plan_of(scene).thaw().changes}


@pytest.fixture
def worst(scene: Scene) -> Scene:
    allow(scene)
    break_everything(scene)
    return scene


def test_one_run_puts_back_everything(worst: Scene) -> None:
    plan = plan_of(worst)
    names = list(dict.fromkeys(change.name for change in plan.thaw().changes))
    assert names == ["checkout", "shop-web", BROKEN, "192.0.2.0/24"]
    run = worst.carry_on(start(worst.operator, worst.organization, consent(plan)), seconds=60)
    assert run.outcome == Outcome.SUCCEEDED, (run.because, run.detail)
    assert (worst.visible(), worst.visible("192.0.2.0/24")) == (list(EDGES), list(EDGES))
    poll_once()
    assert {worst.damage(name) for name in ("checkout", "shop-web", BROKEN)} == {"healthy"}
    assert differing(worst) == set()
    again = plan_of(worst)
    assert texts(again, Severity.BLOCKER) == ["Everything that we can see is as it should be. There is nothing to do."]


def test_one_location_alone(worst: Scene) -> None:
    plan = plan_of(worst, Wish(location="edge-a"))
    assert {change.location for change in plan.thaw().changes} == {"edge-a"}


def test_undone_in_the_other_order_without_what_would_do_harm(worst: Scene) -> None:
    run = worst.carry_on(start(worst.operator, worst.organization, consent(plan_of(worst))), seconds=60)
    plan = propose_undo(worst.operator, run)
    back = plan.thaw()
    assert list(dict.fromkeys(change.aspect for change in back.changes)) == ["route", "source"]
    assert sorted(index for stage in back.stages for index in stage) == list(range(len(back.changes)))
    assert not back.rescue
    # All traffic would go to the one origin that fails.
    [left_out] = [text for text in texts(plan, Severity.WARNING) if text.endswith("It is left out.")]
    assert "shop-web" in left_out


def test_nothing_counts_as_proven_before_all_of_it_is(worst: Scene) -> None:
    """The page of the checkout stays red for another reason, and the last stage is left out as far as is tolerated."""
    row = Preapproval.objects.get(action="restore_to")
    factories.agree_on(row, {**row.terms, "tolerate": 1})
    heal_all_but(worst, "checkout", edge="edge-b")
    Point.objects.filter(resource__name="checkout").update(address="127.0.0.1:9")
    run = start(worst.operator, worst.organization, consent(plan_of(worst)))
    worst.mode("edge-b", "hang", only="apply")
    run = worst.carry_on(run, seconds=60)
    assert run.outcome != Outcome.SUCCEEDED
    assert not Target.objects.filter(run=run, step=Step.VERIFIED).exists()


def heal_all_but(scene: Scene, name: str, edge: str) -> None:
    """Only this and one route at one edge are left broken."""
    scene.lab.heal()
    scene.lab.break_("bad_deploy")
    scene.put(edge, {"advertised": False})
    poll_once()
    assert differing(scene) == {name, BROKEN}


def test_a_place_that_is_left_out_early_is_not_waited_for_in_the_end(scene: Scene) -> None:
    row = allow(scene)
    factories.agree_on(row, {**row.terms, "tolerate": 1})
    for edge, name in (("edge-a", BROKEN), ("edge-b", "192.0.2.0/24")):
        scene.put(edge, {"advertised": False}, name)
    scene.lab.break_("traffic_stuck")
    poll_once()
    run = start(scene.operator, scene.organization, consent(plan_of(scene)))
    scene.mode("edge-a", "hang")
    run = scene.carry_on(run, seconds=60)
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    [skipped] = Target.objects.filter(run=run, step=Step.SKIPPED)
    assert (skipped.resource.name, skipped.location.slug) == (BROKEN, "edge-a")
    scene.mode("edge-a", "ok")


def test_one_location_that_there_is_not_never_means_all(worst: Scene) -> None:
    with pytest.raises(Refused, match="There is no such location"):
        plan_of(worst, Wish(location="nowhere"))


def test_what_holds_for_a_part_holds_for_all_of_it(worst: Scene) -> None:
    set_freeze(person("support-desk"), Over(Freeze.Scope.ACTION, action="readvertise_prefix"), "We look at the routers")
    assert any("paused by the support desk" in text for text in texts(plan_of(worst), Severity.BLOCKER))


def test_an_older_state_in_the_place_of_one_that_works_is_no_repair(scene: Scene) -> None:
    allow(scene)
    before = database_now()
    scene.put("edge-a", {**scene.states("router-edge-a")[BROKEN], "med": 50})
    for _ in range(2):
        poll_once()
        time.sleep(0.002)
    assert not plan_of(scene, Wish(moment=before)).thaw().rescue


def test_what_cannot_be_observed_is_named_and_the_rest_goes_back(worst: Scene) -> None:
    worst.lab.mode("shop-repo", "hang", 5)
    try:
        plan = plan_of(worst)
        assert "checkout" not in {change.name for change in plan.thaw().changes}
        silent = [text for text in texts(plan, Severity.WARNING) if text.endswith("Left out there: checkout.")]
        assert [text.split(" does not answer")[0] for text in silent] == ["Amsterdam", "Frankfurt", "Singapore"]
        assert texts(plan, Severity.BLOCKER) == []
    finally:
        worst.lab.mode("shop-repo", "ok")


def test_a_moment_before_the_first_snapshot_and_one_to_come_are_refused(worst: Scene) -> None:
    first = Snapshot.objects.earliest("proven_at").proven_at
    with pytest.raises(Refused, match=f"The first that we know of is {first:%d %B %Y, %H:%M:%S} UTC"):
        plan_of(worst, Wish(moment=first - timedelta(seconds=1)))
    with pytest.raises(Refused, match="still to come"):
        plan_of(worst, Wish(moment=database_now() + timedelta(hours=1)))


def test_a_chosen_moment_goes_back_past_what_was_good_later(scene: Scene) -> None:
    """Another route comes, works, and is proven; afterwards somebody wants the one from before."""
    allow(scene)
    before = database_now()
    route = scene.states("router-edge-a")[BROKEN]
    scene.put("edge-a", {**route, "med": 50})
    for _ in range(2):
        poll_once()
        time.sleep(0.002)
    good = Snapshot.objects.filter(binding__key=BROKEN, binding__location__slug="edge-a").latest("proven_at")
    assert good.state["med"] == 50
    assert differing(scene) == set()
    plan = plan_of(scene, Wish(moment=before))
    [change] = plan.thaw().changes
    assert (change.name, change.location, change.after) == (BROKEN, "edge-a", route)
    said = f"Everything goes back to what was proven to work by {before:%d %B %Y, %H:%M} UTC."
    assert said in texts(plan, Severity.PASSED)


def test_two_people_at_once_make_one_run(committed_scene: Scene) -> None:
    scene = committed_scene
    allow(scene)
    break_everything(scene)
    plans = [plan_of(scene, name=name) for name in ("shop-operator", "shop-owner")]
    made: list[object] = []
    ready = threading.Barrier(2)

    def press(plan: Plan) -> None:
        ready.wait()
        try:
            made.append(start(plan.proposed_by, scene.organization, consent(plan)))
        except HandrailError as refused:
            made.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [run] = [one for one in made if isinstance(one, Run)]
    [refused] = [one for one in made if isinstance(one, str)]
    assert refused.startswith(f"We did not start this. Another run, {run.reference}, is changing ")
    assert scene.carry_on(run, seconds=60).outcome == Outcome.SUCCEEDED
    assert differing(scene) == set()


def test_interrupted_in_the_middle_another_owner_brings_it_to_the_same_end(worst: Scene) -> None:
    run = start(worst.operator, worst.organization, consent(plan_of(worst)))
    worst.mode("edge-b", "hang")
    advance(run.pk)
    run.refresh_from_db()
    assert run.phase != Phase.ENDED
    sent = Attempt.objects.filter(target__run=run).count()
    # Its owner dies: the lease runs out, and nothing of its memory is left.
    Run.objects.filter(pk=run.pk).update(lease_until=datetime(2026, 1, 1, tzinfo=run.accepted_at.tzinfo), owner="gone")
    worst.mode("edge-b", "ok")
    run = worst.carry_on(run, seconds=60)
    assert run.outcome == Outcome.SUCCEEDED, (run.because, run.detail)
    assert Attempt.objects.filter(target__run=run).count() >= sent
    assert differing(worst) == set()


def test_stopped_half_way_it_is_undone_as_far_as_it_came(worst: Scene) -> None:
    before = {name: worst.states(name) for name in ("shop-repo", "router-edge-a", "router-edge-b")}
    run = start(worst.operator, worst.organization, consent(plan_of(worst)))
    worst.mode("edge-b", "hang")
    advance(run.pk)
    stop(worst.operator, run)
    worst.mode("edge-b", "ok")
    run = worst.carry_on(run, seconds=60)
    assert (run.outcome, run.because) == (Outcome.STOPPED, "run.stopped-by-person")
    assert worst.states("shop-repo") != before["shop-repo"]

    plan = propose_undo(worst.operator, run)
    assert texts(plan, Severity.BLOCKER) == []
    undone = worst.carry_on(start(worst.operator, worst.organization, consent(plan)), seconds=60)
    assert undone.outcome == Outcome.SUCCEEDED, (undone.because, undone.detail)
    assert {name: worst.states(name) for name in before} == before
