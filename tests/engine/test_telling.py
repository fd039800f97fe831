"""What is told to whom: one notice of a storm, none of what comes and goes, and nothing to the wrong organization."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from incidents.audit.log import ENGINE, Actor, Entry, append
from incidents.domain.diagnosis import Damage
from incidents.domain.notices import LONGEST_GAP, SUBJECT, gap_after, wait_after
from incidents.domain.runs import Phase
from incidents.engine.telling import tell_news
from incidents.models import Approval, Delivery, Diagnosis, Freeze, Letter, Organization, Resource, Run
from incidents.services.freeze import Over, set_freeze
from incidents.services.incidents import close, declare
from tests import factories
from tests.notices.routes import later, make_channel, make_route, subjects

EDGES = ("edge-a", "edge-b", "edge-c")
PREFIX = "203.0.113.0/24"


@pytest.fixture
def shop(db: None) -> Organization:
    make_channel()
    return factories.make_organization()


def break_(resource: Resource, *where: str, ago: float = 60, damage: Damage | None = None) -> None:
    factories.make_diagnosis(resource, where, damage=damage, since=timezone.now() - timedelta(seconds=ago))


def test_it_says_what_where_and_in_which_state(shop: Organization) -> None:
    broken = factories.make_prefix(shop, PREFIX)
    make_route()
    break_(broken, "edge-a", "edge-b")
    assert tell_news() == 1
    later(40)
    break_(broken)
    assert tell_news() == 1

    assert subjects() == [
        f"{PREFIX} not reachable from 2 of 3 locations",
        f"{PREFIX} reachable again from 3 of 3 locations",
    ]
    letter = Letter.objects.latest("at")
    assert (letter.path, letter.organization, letter.severity) == ("/c/example-shop", "example-shop", "urgent")
    assert letter.text.splitlines() == ["Example Shop", f"- {PREFIX}"]
    assert [row.to for row in Delivery.objects.all()] == ["noc@example.org"] * 2


def break_many(organization: Organization, count: int, since: float = 60) -> list[Resource]:
    rows = [
        Resource(organization=organization, kind="prefix", name=f"10.{n >> 8}.{n & 255}.0/24") for n in range(count)
    ]
    made = Resource.objects.bulk_create(rows)
    at = timezone.now() - timedelta(seconds=since)
    lists = {"repairable": [], "affected": list(EDGES), "unseen": [], "unreachable": list(EDGES)}
    Diagnosis.objects.bulk_create([Diagnosis(resource=row, damage="withdrawn", since=at, **lists) for row in made])
    return made


def test_a_storm_is_one_notice_for_each_who_listens(shop: Organization) -> None:
    bank = factories.make_organization("example-bank", "Example Bank")
    make_route()
    make_route("support", ("example-shop", "example-bank"))
    made = break_many(shop, 1_099)
    factories.make_prefix(bank, "198.51.100.0/24", withdrawn=EDGES, since=timezone.now() - timedelta(minutes=1))
    tell_news()

    assert sorted(subjects()) == ["1,099 prefixes not reachable", "1,100 prefixes not reachable"]
    support = Letter.objects.get(route="support")
    assert "- 198.51.100.0/24 (Example Bank)" in support.text
    assert "- and 1,090 more" in support.text
    assert (support.path, support.organization) == ("/desk", "")
    assert "Example Bank" not in Letter.objects.get(route="shop-night").text

    assert tell_news() == 0
    later(40)
    Diagnosis.objects.filter(resource__in=made[:1_000]).update(damage="healthy", unreachable=[], affected=[])
    tell_news()
    assert "1,000 prefixes reachable again, 99 still not" in subjects()
    assert Letter.objects.count() == 4


def test_a_storm_that_grows_is_told_ever_more_rarely(shop: Organization) -> None:
    make_route()
    for number in range(120):  # an hour, a prefix every half minute
        resource = factories.make_prefix(shop)
        break_(resource, *EDGES)
        tell_news()
        later(30)
        assert number < 30 or Letter.objects.count() > 2, "it is not silent either"
    assert Letter.objects.count() <= 8
    assert gap_after(1_000) == LONGEST_GAP


def test_what_comes_and_goes_is_not_told(shop: Organization) -> None:
    flapping = factories.make_prefix(shop)
    make_route()
    break_(flapping, *EDGES, ago=3)
    assert tell_news() == 0, "it has not stood long enough"
    break_(flapping, ago=0)
    assert tell_news() == 0
    break_(flapping, *EDGES)
    assert tell_news() == 1
    for _ in range(5):
        break_(flapping)
        break_(flapping, *EDGES)
        assert tell_news() == 0, "it is as it was told"
    break_(flapping, damage=Damage.UNKNOWN)
    assert tell_news() == 0, "a probe that starts anew is no news of what is broken"


def test_only_what_is_urgent_enough_is_told(shop: Organization) -> None:
    drifted, broken = factories.make_prefix(shop), factories.make_prefix(shop)
    make_route(severity="urgent")
    break_(drifted, damage=Damage.DRIFTED)
    assert tell_news() == 0
    break_(broken, "edge-a")
    break_(drifted)
    assert tell_news() == 1
    later(40)
    break_(broken)
    assert tell_news() == 1, "who was told that it is broken is told that it is well"
    assert [row.severity for row in Letter.objects.all()] == ["urgent", "urgent"]


def tell(*entries: Entry) -> list[str]:
    with transaction.atomic():
        append(*entries)
    before = set(Letter.objects.values_list("pk", flat=True))
    tell_news()
    return list(Letter.objects.exclude(pk__in=before).values_list("subject", flat=True))


@pytest.fixture
def run(shop: Organization) -> Run:
    person = factories.make_person("shop-operator", "example-shop/operators", title="Robin")
    broken = factories.make_prefix(shop, PREFIX, withdrawn=EDGES)
    factories.make_looks()
    plan = factories.make_plan(person, factories.make_preapproval(shop), [broken])
    return factories.make_ended_run(plan, timezone.now())


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("run.accepted", "started"),
        ("run.succeeded", "succeeded"),
        ("run.failed", "failed"),
        ("run.errored", "ended by a fault of ours"),
        ("run.stopped", "was stopped"),
        ("run.expired", "ran out of time"),
    ],
)
def test_a_run_is_told_by_what_became_of_it(run: Run, event: str, state: str) -> None:
    make_route(kinds=[event.replace("run.", "run-").replace("accepted", "started")])
    [subject] = tell(Entry(event, ENGINE, "example-shop", str(run.pk), {"detail": "a\u202eb"}))

    assert subject == f"{PREFIX}: readvertise prefix {state}"
    assert len(subject) <= SUBJECT
    letter = Letter.objects.get()
    assert letter.path == f"/runs/{run.reference}"
    assert run.reference in letter.text
    assert "\u202e" not in letter.text


@pytest.mark.parametrize(
    ("event", "state"),
    [("approval.asked", "waits for a second person"), ("approval.break-glass", "started by one alone")],
)
def test_what_takes_two_is_told(run: Run, event: str, state: str) -> None:
    asked = Approval.objects.create(
        plan=run.plan,
        organization=run.organization,
        asked_by=run.started_by,
        asked_at=run.accepted_at,
        expires_at=run.deadline_at,
        reason="nobody can buy",
        key="k",
        request_digest="d",
    )
    make_route(kinds=["approval-asked", "break-glass"])
    [subject] = tell(Entry(event, Actor("person", "1", "robin"), "example-shop", data={"approval": str(asked.pk)}))

    assert subject == f"{PREFIX}: readvertise prefix {state}"
    letter = Letter.objects.get()
    assert (letter.severity, letter.path) == ("urgent", f"/approvals/{asked.pk}")
    assert "robin: nobody can buy" in letter.text


def test_a_run_that_waits_is_told_once_a_stage(run: Run) -> None:
    make_route(kinds=["run-waits"])
    Run.objects.update(phase=Phase.PAUSED, outcome="")
    tell_news()
    tell_news()
    Run.objects.update(stage=1)
    tell_news()
    assert subjects() == [f"{PREFIX}: readvertise prefix waits for a person"] * 2


def test_incidents_and_freezes_are_told_to_whom_they_concern(shop: Organization) -> None:
    factories.make_organization("example-bank", "Example Bank")
    support = factories.make_person("support", "support")
    make_route("bank", ["example-bank"])
    make_route()
    make_route("platform", [], platform=True)
    declare(support, shop, "many calls")
    close(support, shop, "calm again")
    set_freeze(support, Over(Freeze.Scope.ORGANIZATION, shop), "we look")
    again = {"incident": "INC-1", "because": "Broken: checkout", "by": "measurements"}
    tell(Entry("incident.reopened", ENGINE, "example-shop", data=again))
    tell(Entry("breaker.opened", ENGINE, "example-bank", "", {"action": "revert_deploy", "because": "too often"}))

    heard = {row.subject: row for row in Letter.objects.all()}
    number = next(subject for subject in heard if "closed" in subject).split()[0]
    assert heard["INC-1 reopened: Example Shop"].text.splitlines()[1:] == [
        "Reopened by measurements.",
        again["because"],
    ]
    assert heard[f"{number} closed: Example Shop"].path == f"/incidents/{number}"
    assert set(heard) == {
        f"{number} opened: Example Shop",
        "INC-1 reopened: Example Shop",
        f"{number} closed: Example Shop",
        "Runs are paused: Example Shop",
        "Stopped everywhere: revert deploy",
    }
    assert heard["Stopped everywhere: revert deploy"].organization == "", "it tells nobody whose run it was"


def test_whoever_has_a_role_and_an_address_is_told(shop: Organization) -> None:
    make_channel("owners", roles=["example-shop/owners"], to=["noc@example.org"])
    make_channel("empty", roles=["example-shop/viewers"])
    for name, group, mail, active in (
        ("one", "owners", "one@example.org", True),
        ("same", "owners", "noc@example.org", True),
        ("none", "owners", "", True),
        ("gone", "owners", "gone@example.org", False),
        ("other", "operators", "other@example.org", True),
    ):
        person = factories.make_person(name, f"example-shop/{group}")
        person.mail, person.is_active = mail, active
        person.save()
    make_route(channels=["owners", "empty"])
    break_(factories.make_prefix(shop), *EDGES)
    tell_news()

    receivers = Delivery.objects.order_by("channel", "to").values_list("channel", "to")
    assert list(receivers) == [("empty", ""), ("owners", "noc@example.org"), ("owners", "one@example.org")]


def test_two_tellers_at_once_tell_once(shop: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    make_route()
    break_(factories.make_prefix(shop), *EDGES)
    with transaction.atomic():
        append(Entry("stage.passed", ENGINE))
    from incidents.engine import telling

    sizes = telling._sizes()
    tell_news()
    monkeypatch.setattr(telling, "_sizes", lambda: sizes)
    assert tell_news() == 0
    assert Letter.objects.count() == 1


def test_nothing_new_costs_a_few_reads(shop: Organization, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        tell_news()
    for number in range(20):
        make_route(f"route-{number}", severity="urgent")
    break_(factories.make_prefix(shop), damage=Damage.DRIFTED)
    # Routes; both sizes; what is damaged, and what is believed, for all routes; paused runs.
    with django_assert_num_queries(6):
        tell_news()


def test_waits_grow_and_end() -> None:
    waits = [wait_after(attempts, 0.5) for attempts in range(1, 10)]
    given = [wait for wait in waits if wait is not None]
    assert given == sorted(given)
    assert waits[-1] is None
    assert wait_after(1, 0.0) != wait_after(1, 1.0), "chance spreads them"


def test_a_letter_has_a_name_of_its_own() -> None:
    assert Letter().pk != Letter().pk
    assert isinstance(Letter().pk, uuid.UUID)
