"""Real workers in processes of their own: with a broker, without one, killed, and frozen past the lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from incidents.audit.verify import verify
from incidents.domain.changes import Reply
from incidents.domain.decide import MOST_BUDGET
from incidents.domain.runs import Outcome, Phase
from incidents.engine import bell, stages, targets
from incidents.engine.backends import GRACE
from incidents.engine.leases import LEASE, RENEW_AFTER, claim
from incidents.engine.passes import begin_pass
from incidents.engine.poller import poll_once
from incidents.models import Attempt, AuditEntry, Backend, Run
from tests.processes import ROOT, broker, driver, process, until, worker
from tests.scene import EDGES, Scene

PATIENCE = 60.0


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return run.phase == Phase.ENDED


def intended(run: Run, location: str) -> bool:
    return Attempt.objects.filter(target__run=run, target__location__slug=location).exists()


def check_restored(scene: Scene, run: Run, before: dict[str, int]) -> None:
    """Succeeded, seen from outside, each effect exactly once by the routers' own ledgers, and the log is whole."""
    run.refresh_from_db()
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    assert scene.visible() == list(EDGES)
    assert {edge: scene.performed(edge) - before[edge] for edge in EDGES} == dict.fromkeys(EDGES, 1)
    assert verify().fault == ""


@pytest.fixture
def before(committed_scene: Scene) -> dict[str, int]:
    committed_scene.break_()
    return {edge: committed_scene.performed(edge) for edge in EDGES}


def test_a_worker_is_woken_by_a_message(committed_scene: Scene, before: dict[str, int]) -> None:
    with broker() as (url, _), worker(REDIS_URL=url):
        run = committed_scene.start()
        with process("-c", f"import celery; celery.Celery(broker='{url}').send_task('{bell.TASK}', ['{run.pk}'])"):
            until(lambda: ended(run), PATIENCE)
    check_restored(committed_scene, run, before)


def test_ten_messages_and_forged_ones_are_one_effect(committed_scene: Scene, before: dict[str, int]) -> None:
    run = committed_scene.start()
    send = f"""
import celery, uuid
app = celery.Celery(broker='%s')
for _ in range(10): app.send_task('{bell.TASK}', ['{run.pk}'])
app.send_task('{bell.TASK}', [str(uuid.uuid4())])
app.send_task('{bell.TASK}', ['not a run at all'])
app.send_task('incidents.delete_everything', [])
"""
    with broker() as (url, _), worker(REDIS_URL=url), process("-c", send % url):
        until(lambda: ended(run), PATIENCE)
    check_restored(committed_scene, run, before)


def test_without_any_broker_the_worker_sweeps(committed_scene: Scene, before: dict[str, int]) -> None:
    run = committed_scene.start()
    with worker():
        until(lambda: ended(run), PATIENCE)
    check_restored(committed_scene, run, before)


def test_without_celery_drive_does_the_same(committed_scene: Scene, before: dict[str, int]) -> None:
    run = committed_scene.start()
    with driver():
        until(lambda: ended(run), PATIENCE)
    check_restored(committed_scene, run, before)


def test_a_worker_killed_in_the_middle_of_an_effect(committed_scene: Scene, before: dict[str, int]) -> None:
    scene = committed_scene
    # Long enough for the kill to come within the call, however late this process gets its turn.
    Backend.objects.filter(slug="router-edge-a").update(budget_ms=8_000)
    run = scene.start()
    scene.mode("edge-a", "slow", "apply", seconds=6)
    with driver() as first:
        until(lambda: scene.performed("edge-a") > before["edge-a"], PATIENCE)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert not ended(run)
    scene.mode("edge-a", "ok")
    with driver():
        until(lambda: ended(run), PATIENCE)
    check_restored(scene, run, before)
    assert Attempt.objects.filter(target__run=run).count() == len(EDGES)


def test_a_worker_frozen_past_its_lease_writes_nothing_more(committed_scene: Scene, before: dict[str, int]) -> None:
    scene = committed_scene
    run = scene.start()
    scene.mode("edge-a", "slow", "apply", seconds=0.35)
    with driver() as first:
        until(lambda: intended(run, "edge-a"), PATIENCE)
        os.killpg(first.pid, signal.SIGSTOP)
        scene.mode("edge-a", "ok")
        with driver():
            until(lambda: ended(run), PATIENCE)
        check_restored(scene, run, before)
        count = AuditEntry.objects.count()
        os.killpg(first.pid, signal.SIGCONT)
        # The one that froze takes up new work as if nothing had been, and has written nothing about the old.
        poll_once()
        scene.break_("one_location")
        other = scene.start("192.0.2.0/24")
        until(lambda: ended(other), PATIENCE)
    assert not AuditEntry.objects.filter(index__gte=count, run=str(run.pk)).exists()
    assert other.outcome == Outcome.SUCCEEDED
    assert verify().fault == ""


RING = """
import sys, time, uuid, django
django.setup()
from console import celery_app
from incidents.engine import bell
began = time.monotonic()
for _ in range(bell.LONGEST_QUEUE + 10):
    bell.wake(uuid.uuid4())
took = time.monotonic() - began
assert celery_app.conf.broker_url == sys.argv[1], celery_app.conf.broker_url
print(took)
"""


def test_a_ring_never_makes_the_caller_wait(committed: None) -> None:
    """Promise 4: a broker that is frozen blocks one background thread of ours, nobody else."""
    with broker() as (url, server):
        os.kill(server.pid, signal.SIGSTOP)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "console.settings", "REDIS_URL": url}
        said = subprocess.run(
            [sys.executable, "-c", RING, url], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
    # One of them alone would wait for the broker's time-out of 2 s.
    assert float(said.stdout) < 2


def test_an_owner_that_froze_before_the_call_sends_nothing(committed_scene: Scene, before: dict[str, int]) -> None:
    """It wakes up when another owner has finished the run, and a person has put everything back."""
    scene = committed_scene
    run = scene.start()
    held = claim(run.pk)
    assert held is not None
    opened = begin_pass(held)
    stages.begin(opened)
    with transaction.atomic():
        targets._intend(opened, list(opened.aims.values()))
    held.renewed -= LEASE.total_seconds()
    Run.objects.filter(pk=run.pk).update(lease_until=F("accepted_at"))
    run = scene.carry_on(run)
    check_restored(scene, run, before)
    receipts = targets._send(opened, list(opened.aims.values()))
    assert {receipt.reply for receipt in receipts.values()} == {Reply.NOT_SENT}
    check_restored(scene, run, before)


def test_a_lease_outlives_the_longest_step() -> None:
    assert MOST_BUDGET + timedelta(seconds=GRACE) < LEASE - RENEW_AFTER
