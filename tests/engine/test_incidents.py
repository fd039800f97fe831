"""Measurements open an incident, close it after everything stayed well, and reopen it when damage returns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from incidents.audit.log import recorded
from incidents.domain.diagnosis import Damage
from incidents.domain.runs import Phase
from incidents.engine.incidents import follow
from incidents.engine.poller import poll_once
from incidents.models import AuditEntry, Incident, Look, Organization, Reopening, Resource
from incidents.models.clock import database_now
from incidents.services.incidents import close, declare
from tests import factories
from tests.scene import Scene

ROUND = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def times(settings: Settings) -> None:
    settings.INCIDENT_AFTER_SECONDS, settings.INCIDENT_WELL_MINUTES = 60, 30


@pytest.fixture
def thing(db: None) -> Resource:
    return factories.make_prefix(factories.make_organization(), "203.0.113.0/24")


def break_(thing: Resource, at: datetime, damage: Damage = Damage.WITHDRAWN) -> None:
    factories.make_diagnosis(thing, damage=damage, since=at)


def look(at: datetime, *, seen_before: bool = True) -> None:
    """A round of the poller at that time, and the one before it."""
    Look.objects.all().delete()
    if seen_before:
        factories.make_looks(at - ROUND)
    with recorded():
        follow(at)


def events() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(event__startswith="incident.").order_by("index")
    return [(row.event, row.actor, json.loads(bytes(row.body))["data"]["because"]) for row in rows]


def test_what_stays_broken_opens_one_and_what_blinks_does_not(thing: Resource) -> None:
    now = database_now()
    break_(thing, now)
    version = Organization.objects.get().version
    look(now + timedelta(seconds=59))
    assert not Incident.objects.exists()
    look(now + timedelta(seconds=60))
    look(now + timedelta(seconds=65))
    incident = Incident.objects.get()
    assert (incident.opened_at, incident.declared_by, incident.damaged) == (now + timedelta(seconds=60), None, True)
    assert events() == [("incident.opened", "engine", "Broken: 203.0.113.0/24")]
    assert Organization.objects.get().version == version + 1


@pytest.mark.parametrize("damage", [Damage.HEALTHY, Damage.UNKNOWN, Damage.DRIFTED])
def test_what_is_not_certain_opens_none(thing: Resource, damage: Damage) -> None:
    break_(thing, database_now() - timedelta(days=1), damage)
    look(database_now())
    assert not Incident.objects.exists()


def open_one(thing: Resource) -> datetime:
    """The time at which what opened it was mended."""
    now = database_now()
    break_(thing, now - timedelta(minutes=2))
    look(now)
    break_(thing, now, Damage.HEALTHY)
    return now


def test_it_is_closed_after_everything_stayed_well(thing: Resource) -> None:
    well = open_one(thing) + ROUND
    look(well)
    look(well + timedelta(minutes=29))
    assert Incident.objects.get().closed_at is None
    look(well + timedelta(minutes=30))
    incident = Incident.objects.get()
    assert (incident.closed_at, incident.closed_by) == (well + timedelta(minutes=30), None)
    assert events()[-1] == ("incident.closed", "engine", "Everything stayed well for 30 minutes.")


@pytest.mark.parametrize("damage", [Damage.WITHDRAWN, Damage.UNKNOWN, Damage.DRIFTED])
def test_what_comes_between_begins_the_time_anew(thing: Resource, damage: Damage) -> None:
    well = open_one(thing) + ROUND
    look(well)
    break_(thing, well + timedelta(minutes=20), damage)
    look(well + timedelta(minutes=20))
    break_(thing, well + timedelta(minutes=21), Damage.HEALTHY)
    look(well + timedelta(minutes=21))
    look(well + timedelta(minutes=50))
    assert Incident.objects.get().closed_at is None
    look(well + timedelta(minutes=51))
    assert Incident.objects.get().closed_at is not None


def test_time_in_which_nobody_looked_does_not_count(thing: Resource) -> None:
    well = open_one(thing) + ROUND
    look(well)
    look(well + timedelta(minutes=40), seen_before=False)
    look(well + timedelta(minutes=41))
    assert Incident.objects.get().closed_at is None
    look(well + timedelta(minutes=70))
    assert Incident.objects.get().closed_at is not None


def test_what_a_person_declared_of_things_unseen_only_people_close(thing: Resource) -> None:
    person = factories.make_person("desk", "support")
    declare(person, thing.organization, "The shop is slow")
    for minutes in (0, 40, 80):
        look(database_now() + timedelta(minutes=minutes))
    assert Incident.objects.get().closed_at is None


def test_it_is_reopened_when_damage_returns(thing: Resource) -> None:
    well = open_one(thing) + ROUND
    look(well)
    closed = well + timedelta(minutes=30)
    look(closed)
    break_(thing, closed + timedelta(minutes=30))
    look(closed + timedelta(minutes=31))
    incident, again = Incident.objects.get(), Reopening.objects.get()
    assert (incident.closed_at, incident.closed_because, incident.well_since) == (None, "", None)
    assert (again.closed_at, again.closed_because) == (closed, "Everything stayed well for 30 minutes.")
    assert events()[-1] == ("incident.reopened", "engine", "Broken: 203.0.113.0/24")


def test_later_it_is_another_one(thing: Resource) -> None:
    well = open_one(thing) + ROUND
    look(well)
    closed = well + timedelta(minutes=30)
    look(closed)
    break_(thing, closed + timedelta(minutes=30, seconds=1))
    look(closed + timedelta(minutes=32))
    assert (Incident.objects.count(), Reopening.objects.exists()) == (2, False)


def test_what_a_person_closed_is_not_opened_for_what_was_broken_then(thing: Resource) -> None:
    now = database_now()
    break_(thing, now - timedelta(minutes=2))
    look(now)
    owner = factories.make_person("owner", "example-shop/owners")
    close(owner, thing.organization, "We know, and live with it")
    look(database_now() + timedelta(minutes=1))
    assert Incident.objects.filter(closed_at=None).count() == 0
    # Something else breaks.
    other = factories.make_prefix(thing.organization, "198.51.100.0/24")
    break_(other, database_now() + timedelta(minutes=2))
    look(database_now() + timedelta(minutes=4))
    assert Incident.objects.get().closed_at is None
    assert Reopening.objects.get().closed_by == owner


def test_each_organization_has_its_own(thing: Resource, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    bank = factories.make_organization("example-bank", "Example Bank")
    other = factories.make_prefix(bank, "198.51.100.0/24")
    now = database_now()
    break_(thing, now - timedelta(minutes=2))
    look(now)
    break_(other, now + ROUND)
    break_(thing, now + ROUND, Damage.HEALTHY)
    look(now + timedelta(minutes=2))
    assert Incident.objects.filter(closed_at=None).count() == 2
    look(now + timedelta(minutes=3))
    with recorded(), django_assert_num_queries(5):
        follow(now + timedelta(minutes=3, seconds=5))


def test_a_run_under_way_keeps_it_open(scene: Scene, settings: Settings) -> None:
    settings.INCIDENT_AFTER_SECONDS = 0
    scene.break_()
    [incident] = Incident.objects.all()
    run = scene.start()
    assert run.incident == incident
    run = scene.carry_on(run)
    poll_once()
    incident.refresh_from_db()
    assert (scene.damage(), incident.well_since is not None, run.phase) == ("healthy", True, Phase.ENDED)
    type(run).objects.update(phase=Phase.PAUSED)
    poll_once()
    incident.refresh_from_db()
    assert incident.well_since is None
