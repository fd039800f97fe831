"""The poller: one at a time, a fixed cost, a silent backend blinds nobody, and what is old is thinned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import F
from pytest_django import DjangoAssertNumQueries, Settings

from incidents.audit.log import recorded
from incidents.audit.snapshot_fence import lower_fence, raise_fence
from incidents.domain.diagnosis import Damage
from incidents.domain.verdicts import Mark
from incidents.engine import diagnosing
from incidents.engine.poller import KEEP_HISTORY, KEEP_LOOKS, Poller, poll_once, thin
from incidents.models import (
    Backend,
    Binding,
    CallerConsent,
    Diagnosis,
    Duty,
    EngineerEntry,
    Look,
    Measurement,
    Notice,
    Observation,
    Organization,
    Person,
    Plan,
    Resource,
    Snapshot,
)
from incidents.models.clock import database_now
from tests import factories
from tests.consents import record_consent
from tests.scene import BROKEN, Scene


def test_a_round_costs_a_fixed_number_of_statements(
    scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    poll_once()
    with django_assert_max_num_queries(32):
        poll_once()


def test_a_consent_whose_time_is_over_is_ended_openly(scene: Scene) -> None:
    consent = record_consent(Person.objects.get(username="support-desk"), scene.organization)
    poll_once()
    assert CallerConsent.objects.get().ended_at is None
    CallerConsent.objects.update(expires_at=database_now())
    version = scene.organization.version
    poll_once()
    consent.refresh_from_db()
    assert (consent.ended_because, scene.organization.version > version) == ("over", True)


def test_who_waits_for_an_engineer_moves_up_when_those_before_are_well(db: None) -> None:
    shop, bank = factories.make_organization(), factories.make_organization("example-bank", "Example Bank")
    first = factories.make_prefix(shop, withdrawn=("edge-a",), unbound=("edge-a",))
    factories.make_prefix(bank, withdrawn=("edge-a",), unbound=("edge-a",))
    factories.make_looks()
    mine = Resource.objects.filter(pk=first.pk)
    with recorded():
        diagnosing.refresh(database_now(), mine)
    version = Organization.objects.get(pk=bank.pk).version
    Binding.objects.filter(resource=first).update(seen=None)
    for binding in Binding.objects.filter(resource=first).select_related("good"):
        assert binding.good is not None
        seen = Observation.objects.create(binding=binding, state=binding.good.state, at=database_now(), source="poller")
        Binding.objects.filter(pk=binding.pk).update(seen=seen)
    Measurement.objects.filter(point__resource=first).update(mark=Mark.PASS)
    with recorded():
        diagnosing.refresh(database_now(), mine)
    assert EngineerEntry.objects.get(resource=first).closed_at is not None
    assert Organization.objects.get(pk=bank.pk).version == version + 1


def test_a_silent_backend_is_told_and_blinds_nobody(scene: Scene) -> None:
    scene.mode("edge-b", "hang")
    scene.break_()
    answered = dict(Look.objects.filter(backend__isnull=False).order_by("at").values_list("backend__slug", "answered"))
    assert [slug for slug, answer in answered.items() if not answer] == ["router-edge-b"]
    assert len(answered) == Backend.objects.count()
    assert scene.damage(BROKEN) == Damage.WITHDRAWN


def test_what_nobody_looks_at_any_more_is_not_known(scene: Scene) -> None:
    Look.objects.update(at=F("at") - timedelta(minutes=5))
    scene.lab.mode("registry", "hang")
    poll_once()
    # The registry has not answered for minutes, so nobody knows whether the services are bound.
    assert scene.damage(BROKEN) == Damage.UNKNOWN


def test_a_change_while_probes_are_green_must_last_before_it_counts_as_good(scene: Scene, settings: Settings) -> None:
    settings.SNAPSHOT_AFTER_SECONDS = 3600
    before = Snapshot.objects.count()
    scene.put("edge-a", {"advertised": True, "as_path": [64666]})
    poll_once()
    poll_once()
    assert Snapshot.objects.count() == before
    assert scene.damage(BROKEN) == Damage.DRIFTED


def test_one_poller_holds_the_duty_and_another_takes_over(scene: Scene) -> None:
    first, second = Poller(), Poller()
    second._owner = "another-host:1"
    assert first._on_duty()
    assert first._on_duty()
    assert not second._on_duty()
    Duty.objects.update(lease_until=F("lease_until") - timedelta(minutes=2))
    assert second._on_duty()
    assert not first._on_duty()


def test_sessions_that_are_over_go_some_at_a_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    now = database_now()
    monkeypatch.setattr("incidents.engine.poller.MOST_SESSIONS", 2)
    for number, minutes in enumerate((-3, -2, -1, 5)):
        Session.objects.create(
            session_key=f"key-{number}", session_data="", expire_date=now + timedelta(minutes=minutes)
        )
    assert (thin(now), Session.objects.count()) == (2, 2)
    thin(now)
    assert Session.objects.get().session_key == "key-3"


def test_notices_go_long_after_they_were_read(scene: Scene) -> None:
    now = database_now()
    for read_at in (None, now, now - KEEP_LOOKS - timedelta(1)):
        Notice.objects.create(person=scene.operator, at=now - timedelta(days=400), text="x", link="/", read_at=read_at)
    thin(now)
    assert set(Notice.objects.values_list("read_at", flat=True)) == {None, now}


def test_looks_are_thinned_with_age(scene: Scene) -> None:
    now = database_now()
    backend = Backend.objects.get(slug="registry")
    Look.objects.all().delete()
    for ago in [*range(0, 600, 5), *range(3600 + 300, 3600 + 900, 5)]:
        at = now - timedelta(seconds=ago)
        Look.objects.create(backend=backend, at=at, answered=True, looked_at=1, changed=0)
    Look.objects.create(backend=backend, at=now - KEEP_LOOKS - timedelta(1), answered=True, looked_at=1, changed=0)
    thin(now)
    assert Look.objects.filter(at__gt=now - timedelta(hours=1)).count() == 120
    # Ten minutes of more than an hour ago: one a minute is left, whole minutes being cut at both ends.
    assert 10 <= Look.objects.filter(at__lt=now - timedelta(hours=1)).count() <= 11
    assert thin(now) == 0


def test_old_history_goes_but_what_stands_stays(scene: Scene) -> None:
    scene.break_()
    scene.propose()
    long_ago = database_now() - KEEP_HISTORY - timedelta(1)
    Observation.objects.update(at=long_ago)
    lower_fence(connection)
    Snapshot.objects.update(proven_until=long_ago)
    connection.check_constraints()  # PostgreSQL alters no table while constraints wait for the end
    raise_fence(connection)
    Measurement.objects.filter(until__isnull=False).update(until=long_ago)
    Diagnosis.objects.filter(until__isnull=False).update(until=long_ago)
    Plan.objects.update(expires_at=long_ago)
    assert thin(database_now()) > 0
    assert not Plan.objects.exists()
    assert not Measurement.objects.filter(until__isnull=False).exists()
    bindings = Binding.objects.count()
    assert Observation.objects.count() == Binding.objects.filter(seen__isnull=False).count() == bindings
    assert Snapshot.objects.count() == Binding.objects.filter(good__isnull=False).count() == bindings


def test_a_backend_whose_owner_counts_the_calls_is_asked_less_often_and_believed_for_longer(scene: Scene) -> None:
    Backend.objects.filter(slug="registry").update(every_seconds=600)
    looks = Look.objects.filter(backend__slug="registry")
    before = looks.count()
    poll_once()
    assert looks.count() == before
    # Silence of a minute would make another backend unknown; this one is not due yet.
    Look.objects.update(at=F("at") - timedelta(minutes=1))
    poll_once()
    assert (looks.count(), scene.damage(BROKEN)) == (before, Damage.HEALTHY)
    looks.update(at=F("at") - timedelta(minutes=10))
    poll_once()
    assert looks.count() == before + 1
