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
from incidents.domain.runs import Outcome, Phase
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.models import Attempt, Plan, Preapproval, Resource, Run, Snapshot
from incidents.models.clock import database_now
from incidents.selectors.remedies import everything
from incidents.services.propose import propose
from incidents.services.start import start
from incidents.services.undo import propose_undo
from tests import factories
from tests.engine.asking import person
from tests.scene import BROKEN, EDGES, Scene, consent

BROKEN_BY = ("withdrawn", "one_location", "bad_deploy", "traffic_stuck")


def allow(scene: Scene) -> Preapproval:
    """What lets operators and owners put back everything of the organization."""
    terms = replace(
        factories.make_terms(), steps=(50, 100), probes=("collector", "tcp", "web", "front"), flap=timedelta(0)
    )
    row = Preapproval.objects.create(
        slug="shop-restore-to",
        action="restore_to",
        organization=scene.organization,
        terms=terms.as_json(),
        digest="x",
    )
    row.resources.set(Resource.objects.filter(organization=scene.organization))
    for role in ("operators", "owners"):
        assign_perm("incidents.use_preapproval", Group.objects.get(name=f"example-shop/{role}"), row)
    factories.agree_on(row, row.terms)
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


def test_undone_in_the_other_order(worst: Scene) -> None:
    run = worst.carry_on(start(worst.operator, worst.organization, consent(plan_of(worst))), seconds=60)
    back = propose_undo(worst.operator, run).thaw()
    kinds = list(dict.fromkeys(change.aspect for change in back.changes))
    assert kinds == ["route", "weight", "source"]
    assert sorted(index for stage in back.stages for index in stage) == list(range(len(back.changes)))
    assert not back.rescue


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
