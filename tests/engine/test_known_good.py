"""A damaged state is recognised and never used, and the past can be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.audit.snapshot_fence import lower_fence
from incidents.domain.canonical import digest
from incidents.domain.changes import State
from incidents.domain.diagnosis import Damage
from incidents.domain.findings import Severity
from incidents.domain.known_good import digest_now, is_damaged, is_whole
from incidents.engine.facts import load_facts
from incidents.engine.history import was_at
from incidents.engine.known_good import good_at
from incidents.engine.poller import poll_once, thin
from incidents.models import Backend, Binding, Look, Observation, Plan, Resource, Snapshot
from incidents.models.clock import database_now
from incidents.services.propose import propose
from tests import factories
from tests.scene import BROKEN, Scene

DAY = timedelta(days=1)


@pytest.fixture
def made(db: None) -> Resource:
    return factories.make_prefix(factories.make_organization())


def route(resource: Resource, location: str = "edge-a") -> Binding:
    rows = Binding.objects.select_related("good", "seen", "backend")
    return rows.get(resource=resource, location__slug=location, aspect="route")


def keep(row: Binding, state: State, at: datetime, taken: str = "") -> Snapshot:
    """What the poller would have kept at that time; with another digest it is damaged from the beginning."""
    papers = {"digest": taken or digest(state), "proven_at": at, "proven_until": at, "proof": ["tcp"]}
    return Snapshot.objects.create(binding=row, state=state, **papers)


def damage(row: Binding, **fields: object) -> None:
    """Somebody climbs the fence."""
    lower_fence(connection)
    assert row.good is not None
    Snapshot.objects.filter(pk=row.good.pk).update(**(fields or {"state": {"advertised": False}}))


@pytest.mark.parametrize(
    "state",
    [
        {},
        factories.good_route(),
        {"name": "Zürich \U0001f30d", "list": [1, None, True, "\x00\u2028"], "nested": {"b": 2, "a": {"z": []}}},
        {"weight": 2**53 - 1, "status": {"label": "not covered"}},
    ],
)
def test_the_quick_digest_is_the_canonical_one(state: State) -> None:
    bare = {key: value for key, value in state.items() if key != "status"}

    assert digest_now(state) == digest(bare)
    assert is_whole(state, digest(bare))
    assert not is_whole({**bare, "more": 1}, digest(bare))


@pytest.mark.parametrize("state", [[], "text", 5, None, {"float": float("nan")}, {"lone": "\ud800"}])
def test_what_is_no_state_is_damaged(state: State) -> None:
    assert is_damaged(state, digest({"advertised": True}))
    assert is_damaged(state, "")
    assert not is_damaged(None, None)


def test_facts_take_the_newest_older_one_that_is_whole(scene: Scene) -> None:
    row = route(scene.resource())
    assert row.good is not None
    before = row.good.proven_at
    keep(row, factories.good_route(64501), before - 3 * DAY)
    keep(row, factories.good_route(64502), before - 2 * DAY)
    keep(row, factories.good_route(64503), before - DAY, taken="0" * 64)
    damage(row)

    [facts] = load_facts([scene.resource()], "preview")

    [side] = [one for one in facts.bindings if one.id == str(row.pk)]
    assert side.damaged
    assert side.good is not None
    assert side.good.state["as_path"] == [64502]
    assert not any(one.damaged for one in facts.bindings if one is not side)


def test_facts_never_take_what_was_proven_at_another_place(scene: Scene) -> None:
    row = route(scene.resource())
    assert row.good is not None
    keep(row, factories.good_route(64501), row.good.proven_at - DAY)
    Binding.objects.filter(pk=row.pk).update(moved_at=row.good.proven_at - timedelta(minutes=1))
    damage(row)

    [facts] = load_facts([scene.resource()], "preview")

    [side] = [one for one in facts.bindings if one.id == str(row.pk)]
    assert (side.damaged, side.good) == (True, None)


def test_the_plan_says_that_an_older_one_is_used(scene: Scene) -> None:
    scene.break_()
    row = route(scene.resource())
    assert row.good is not None
    older = {**row.good.state, "communities": ["64496:999"]}
    keep(row, older, row.good.proven_at - DAY)
    damage(row)

    plan = scene.propose()

    assert [one["code"] for one in _findings(plan, Severity.WARNING)] == ["guard.snapshot-damaged"]
    assert "goes back to an older state" in str(_findings(plan, Severity.WARNING)[0]["text"])
    [change] = [one for one in plan.thaw().changes if one.binding == str(row.pk)]
    assert change.after == older


def test_without_an_older_one_nothing_is_put_back_there(scene: Scene) -> None:
    scene.break_()
    damage(route(scene.resource()))

    plan = propose(scene.operator, scene.organization, "readvertise_prefix", [scene.resource()])

    [finding] = _findings(plan, Severity.BLOCKER)
    assert finding["code"] == "guard.no-snapshot"
    assert "is damaged, and we have nothing older" in str(finding["text"])


def _findings(plan: Plan, severity: Severity) -> list[dict[str, object]]:
    return [one for one in plan.findings if one["severity"] == severity]


def test_a_damaged_state_like_what_is_broken_does_not_make_it_healthy(scene: Scene) -> None:
    scene.break_()
    assert scene.damage() == Damage.WITHDRAWN
    for row in Binding.objects.filter(resource=scene.resource(), aspect="route").select_related("good", "seen"):
        assert row.seen is not None
        assert row.good is not None
        keep(row, row.good.state, row.good.proven_at - DAY)
        damage(row, state=row.seen.state)

    poll_once()

    assert scene.damage() == Damage.WITHDRAWN


@pytest.mark.parametrize("fields", [{"state": {"advertised": True}}, {"digest": "0" * 64}, {"digest": ""}])
def test_where_all_is_well_a_new_one_takes_the_place_of_a_damaged_one(scene: Scene, fields: dict[str, object]) -> None:
    row = route(scene.resource())
    damage(row, **fields)

    poll_once()

    again = route(scene.resource())
    assert again.good is not None
    assert row.good is not None
    assert again.good.pk != row.good.pk
    assert is_whole(again.good.state, again.good.digest)
    assert scene.damage(BROKEN) == Damage.HEALTHY


def test_a_clock_that_goes_back_breaks_no_round(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Snapshot.objects.order_by("pk").values_list("proven_until", flat=True)[0]
    monkeypatch.setattr("incidents.engine.poller.database_now", lambda: before - timedelta(seconds=5))
    Observation.objects.update(at=before - DAY)

    poll_once()

    assert Snapshot.objects.order_by("pk").values_list("proven_until", flat=True)[0] == before


def test_good_at_a_moment(made: Resource) -> None:
    row, now = route(made), timezone.now()
    assert row.good is not None
    keep(row, factories.good_route(64501), now - 20 * DAY)
    keep(row, factories.good_route(64502), now - 10 * DAY)
    keep(row, factories.good_route(64503), now - 9 * DAY, taken="0" * 64)
    rows = Binding.objects.filter(resource=made)

    def path(days: float) -> object:
        good = good_at(rows, now - days * DAY)[row.pk]
        return good and good.state["as_path"]

    assert [path(days) for days in (21, 20, 10.5, 10, 8, 0)] == [None, [64501], [64501], [64502], [64502], [64496]]
    assert len(good_at(rows, now)) == 6
    assert good_at(rows.none(), now) == {}
    Binding.objects.filter(pk=row.pk).update(moved_at=now - 15 * DAY)
    assert [path(days) for days in (20, 10)] == [None, [64502]]


def test_what_was_at_a_moment(made: Resource) -> None:
    row, now = route(made), timezone.now()
    Observation.objects.create(binding=row, state=factories.GONE, at=now - timedelta(minutes=5), source="poller")
    looks(row, now - timedelta(minutes=6), True)
    looks(row, now - timedelta(minutes=4), False, "no answer in time")
    rows = Binding.objects.filter(pk=row.pk)

    def then(minutes: float) -> tuple[object, object]:
        was = was_at(rows, now - timedelta(minutes=minutes))[row.pk]
        return was.state and was.state["advertised"], was.answered

    assert then(12) == (None, None)
    assert then(10) == (True, None)
    assert then(5.9) == (True, True)
    assert then(3.9) == (False, False)
    # The poller itself was down: nobody knows.
    assert then(0) == (False, None)
    assert was_at(rows, now - timedelta(minutes=3.9))[row.pk].detail == "no answer in time"
    Binding.objects.update(moved_at=now - timedelta(minutes=5.95))
    assert was_at(rows, now - timedelta(minutes=6))[row.pk].elsewhere


def looks(row: Binding, at: datetime, answered: bool, detail: str = "") -> None:
    Look.objects.create(backend=row.backend, at=at, answered=answered, detail=detail, looked_at=1, changed=0)


def test_a_look_tells_of_as_long_as_looks_of_that_age_stand_apart(made: Resource) -> None:
    row, now = route(made), timezone.now()
    Observation.objects.filter(binding=row).update(at=now - 50 * DAY)
    looks(row, now - 40 * DAY, True)
    rows = Binding.objects.filter(pk=row.pk)

    near, far = (was_at(rows, now - 40 * DAY + timedelta(minutes=minutes))[row.pk] for minutes in (15, 25))
    Backend.objects.update(every_seconds=3600)
    seldom = was_at(rows, now - 40 * DAY + timedelta(minutes=25))[row.pk]

    assert (near.answered, far.answered, seldom.answered) == (True, None, True)
    assert far.looked_at == now - 40 * DAY


@pytest.mark.parametrize("read", [good_at, was_at])
def test_the_past_costs_a_fixed_number_of_queries(made: Resource, read: Callable[..., object]) -> None:
    counts = []
    for more in (0, 30):
        for _ in range(more):
            factories.make_prefix(made.organization)
        with CaptureQueriesContext(connection) as captured:
            read(Binding.objects.all(), timezone.now())
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 6


def test_what_was_seen_before_the_time_that_is_kept_stays_while_it_was_so(
    made: Resource, settings: pytest.FixtureRequest
) -> None:
    settings.OBSERVATION_KEEP_DAYS = 30  # type: ignore[attr-defined]
    row, now = route(made), database_now()
    Observation.objects.filter(binding=row).update(at=now - timedelta(minutes=1))
    for days, asn in ((90, 64501), (60, 64502), (10, 64503)):
        Observation.objects.create(binding=row, state=factories.good_route(asn), at=now - days * DAY, source="poller")

    thin(now)

    rows = Binding.objects.filter(pk=row.pk)
    states = [was_at(rows, now - days * DAY)[row.pk].state for days in (29, 9)]
    assert [state and state["as_path"] for state in states] == [[64502], [64503]]
    assert Observation.objects.filter(binding=row).count() == 3


def test_known_good_states_are_kept_as_long_as_is_configured(made: Resource, settings: pytest.FixtureRequest) -> None:
    settings.SNAPSHOT_KEEP_DAYS = 50  # type: ignore[attr-defined]
    row, now = route(made), database_now()
    keep(row, factories.good_route(64501), now - 51 * DAY)
    keep(row, factories.good_route(64502), now - 49 * DAY)

    thin(now)

    kept = Snapshot.objects.filter(binding=row).order_by("proven_at")
    assert [one.state["as_path"] for one in kept] == [[64502], [64496]]
