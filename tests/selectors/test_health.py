"""How the installation is: each part broken for real, and told apart from the others."""

from __future__ import annotations

import os
import signal
import sqlite3
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from console.celery import app
from incidents.audit import fence, snapshot_fence
from incidents.engine.heartbeat import beat
from incidents.engine.poller import Poller
from incidents.models import Duty, Look
from incidents.models.clock import database_now
from incidents.selectors import health
from tests import factories
from tests.processes import broker, until, worker
from tests.scene import Scene


def test_a_database_that_is_as_it_should_be(
    committed: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(5):
        found = health.read_database()

    assert (found, found.ready) == (health.Database(writable=True, missing=()), True)


def test_a_migration_that_was_not_applied_is_named(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'incidents'")

    found = health.read_database()

    assert not found.ready
    [missing] = found.missing
    assert missing.startswith("incidents.0")


def test_a_database_that_only_reads_is_not_ready(committed: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET default_transaction_read_only = on")
            assert not health.read_database().ready
            cursor.execute("SET default_transaction_read_only = off")
            return
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert health.read_database() == health.Database(writable=False, missing=())
    other.execute("ROLLBACK")
    other.close()
    assert health.read_database().ready


def test_the_broker_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with broker() as (url, server):
        monkeypatch.setattr(app.conf, "broker_write_url", url)
        assert health.broker_answers()
        os.kill(server.pid, signal.SIGSTOP)
        assert not health.broker_answers()
    assert not health.broker_answers()


def test_ages_of_an_installation_in_which_nothing_ever_ran(db: None) -> None:
    found = health.read_ages(database_now())

    assert (found.queue, found.live) == (timedelta(0), 0)
    assert (found.sweep, found.poll, found.measurement) == (None, None, None)


def test_ages_grow_while_nobody_does_anything(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    organization = factories.make_organization()
    factories.make_prefix(organization, "203.0.113.0/24")
    assert Poller()._on_duty()
    beat()
    now = database_now()
    factories.make_looks(now - timedelta(minutes=3))
    Look.objects.filter(probe__slug="collector").update(answered=False)

    with django_assert_num_queries(3):
        found = health.read_ages(now + timedelta(seconds=60))

    for age in (found.sweep, found.poll):
        assert age is not None
        assert timedelta(seconds=58) < age < timedelta(seconds=62)
    assert found.measurement == timedelta(minutes=4)


def test_a_worker_shows_that_it_sweeps(committed_scene: Scene) -> None:
    with worker():
        until(lambda: Duty.objects.filter(name="sweep").exists(), 30)
    first = Duty.objects.get(name="sweep")
    beat()
    assert Duty.objects.get(name="sweep").owner == first.owner, "another beat within 5 s writes nothing"
    Duty.objects.update(lease_until=database_now() - timedelta(seconds=6))
    beat()
    assert Duty.objects.get(name="sweep").owner.endswith(f":{os.getpid()}")


def test_a_run_that_nobody_takes_makes_the_queue_old(scene: Scene) -> None:
    scene.break_()
    run = scene.start()

    found = health.read_ages(run.accepted_at + timedelta(seconds=40))

    assert found.live == 1
    assert timedelta(seconds=39) < found.queue <= timedelta(seconds=40)


def test_a_fence_that_was_taken_down_is_missed(committed: None) -> None:
    assert health.read_fences() == health.Fences(audit=True, snapshots=True)
    fence.lower_fence(connection)
    assert health.read_fences() == health.Fences(audit=False, snapshots=True)
    snapshot_fence.lower_fence(connection)
    assert health.read_fences() == health.Fences(audit=False, snapshots=False)


def test_sizes_are_read_without_counting_entries(
    scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = health.audit_size()
    scene.break_()
    scene.start()

    with django_assert_num_queries(3):
        assert health.audit_size() > before
        assert (health.open_incidents(), health.open_breakers()) == (1, 0)
