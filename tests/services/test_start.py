"""Starting: one run for one consent, whatever is posted how often, and a reason for every refusal."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from incidents.audit import snapshot_fence
from incidents.domain.errors import EmptySelector, KeyReused, NotAllowed, PlanChanged, PlanExpired, Refused
from incidents.domain.runs import Phase
from incidents.engine.poller import poll_once
from incidents.models import AuditEntry, Incident, Location, Plan, Resource, ResourceLock, Run
from incidents.services.propose import propose
from incidents.services.start import Consent, start
from tests.scene import Scene, consent


def refusals() -> list[bytes]:
    return [bytes(row.body) for row in AuditEntry.objects.filter(event="run.refused")]


def test_a_start_is_durable_with_its_incident_its_locks_and_its_entry(scene: Scene) -> None:
    scene.break_()
    run = scene.start()
    assert run.phase == Phase.ACCEPTED
    assert Incident.objects.get(closed_at__isnull=True) == run.incident
    assert ResourceLock.objects.get(live=True).resource == scene.resource()
    entry = AuditEntry.objects.get(event="run.accepted")
    assert run.plan_id.encode() in bytes(entry.body)


def test_the_same_request_again_gives_the_same_run(scene: Scene) -> None:
    scene.break_()
    said = consent(scene.propose())
    runs = {start(scene.operator, scene.organization, said).pk for _ in range(3)}
    assert len(runs) == 1
    # Another tab with the same preview: its own key, the same plan. The plan runs once.
    other = Consent(digest=said.digest, key=str(uuid.uuid4()))
    assert start(scene.operator, scene.organization, other).pk in runs
    assert Run.objects.count() == 1


def test_a_key_used_for_something_else_is_refused(scene: Scene) -> None:
    scene.break_()
    scene.break_("one_location")
    said = consent(scene.propose())
    start(scene.operator, scene.organization, said)
    with pytest.raises(KeyReused):
        start(scene.operator, scene.organization, Consent(digest="0" * 64, key=said.key))
    assert Run.objects.count() == 1
    assert b"KeyReused" in refusals()[0]


@pytest.mark.parametrize("digest", ["", "0" * 64, "nonsense\n"])
def test_an_unknown_digest_starts_nothing(scene: Scene, digest: str) -> None:
    with pytest.raises(Refused, match="not known"):
        start(scene.operator, scene.organization, Consent(digest=digest, key="k"))
    assert Run.objects.count() == 0
    assert len(refusals()) == 1


def test_an_old_preview_is_refused(scene: Scene) -> None:
    scene.break_()
    plan = scene.propose()
    Plan.objects.update(expires_at=plan.proposed_at)
    with pytest.raises(PlanExpired):
        start(scene.operator, scene.organization, consent(plan))


def test_a_preview_that_is_no_longer_true_is_refused(scene: Scene) -> None:
    scene.break_()
    plan = scene.propose()
    scene.lab.heal()
    poll_once()
    with pytest.raises(PlanChanged, match="no longer as it was"):
        start(scene.operator, scene.organization, consent(plan))
    assert Run.objects.count() == 0


def test_somebody_elses_preview_is_not_a_consent(scene: Scene) -> None:
    scene.break_()
    plan = scene.propose()
    for person in (scene.viewer, scene.stranger):
        with pytest.raises(NotAllowed):
            start(person, scene.organization, consent(plan))
    assert len(refusals()) == 2


def test_a_second_run_on_the_same_resource_waits(scene: Scene) -> None:
    scene.break_()
    first, second = scene.propose(), scene.propose()
    run = start(scene.operator, scene.organization, consent(first))
    with pytest.raises(Refused, match=run.reference) as refused:
        start(scene.operator, scene.organization, consent(second))
    assert [finding.code for finding in refused.value.findings] == ["guard.one-at-a-time"]


def test_nothing_never_means_everything(scene: Scene) -> None:
    """2026-02-20: an empty selector fell through to every prefix."""
    with pytest.raises(EmptySelector):
        propose(scene.operator, scene.organization, "readvertise_prefix", [])
    assert Plan.objects.count() == 0


def test_what_is_not_theirs_or_of_another_kind_is_refused(scene: Scene) -> None:
    other = Resource.objects.exclude(organization=scene.organization).first()
    assert other is not None
    with pytest.raises(Refused):
        propose(scene.operator, scene.organization, "readvertise_prefix", [other])
    with pytest.raises(Refused, match="no such action"):
        propose(scene.operator, scene.organization, "delete_everything", [scene.resource()])
    Resource.objects.filter(pk=scene.resource().pk).update(kind="service")
    with pytest.raises(Refused):
        propose(scene.operator, scene.organization, "readvertise_prefix", [scene.resource()])


def test_a_viewer_cannot_propose(scene: Scene) -> None:
    with pytest.raises(NotAllowed, match="Ask an operator"):
        propose(scene.viewer, scene.organization, "readvertise_prefix", [scene.resource()])


def test_what_cannot_be_proven_is_not_started(scene: Scene) -> None:
    scene.break_()
    scene.resource().points.filter(location=Location.objects.get(slug="edge-b")).delete()
    plan = scene.propose()
    with pytest.raises(Refused, match="cannot see from outside"):
        start(scene.operator, scene.organization, consent(plan))


def test_nothing_to_do_is_said(scene: Scene) -> None:
    with pytest.raises(Refused, match="nothing to do"):
        start(scene.operator, scene.organization, consent(scene.propose()))


def test_a_snapshot_that_is_too_old_is_not_restored(scene: Scene) -> None:
    scene.break_()
    snapshot_fence.lower_fence(connection)
    for binding in scene.resource().bindings.select_related("good"):
        assert binding.good is not None
        binding.good.proven_until -= timedelta(days=31)
        binding.good.save(update_fields=["proven_until"])
    with pytest.raises(Refused, match="too long ago"):
        start(scene.operator, scene.organization, consent(scene.propose()))


def test_twenty_parallel_posts_with_one_key_are_one_run(committed_scene: Scene) -> None:
    scene = committed_scene
    scene.break_()
    person, organization, said = scene.operator, scene.organization, consent(scene.propose())
    runs: list[uuid.UUID] = []
    errors: list[BaseException] = []
    together = threading.Barrier(20)

    def post() -> None:
        try:
            together.wait()
            runs.append(start(person, organization, said).pk)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(runs) == 20
    assert len(set(runs)) == 1
    assert Run.objects.count() == 1
    assert AuditEntry.objects.filter(event="run.accepted").count() == 1
