"""Who may pause what, once, with a reason; and that all of it is in the audit log and on the pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from incidents.audit.log import ENGINE
from incidents.domain.errors import NotAllowed, Refused
from incidents.models import AuditEntry, Freeze, Organization, Person
from incidents.models.clock import database_now
from incidents.services.freeze import Over, lift, set_freeze
from incidents.services.inventory_apply import grant_platform_rights
from tests import factories

pytestmark = pytest.mark.django_db

EVERYONE = Over(Freeze.Scope.EVERYONE)
ACTION = Over(Freeze.Scope.ACTION, action="readvertise_prefix")
WHY = "We look at the routers"


@pytest.fixture
def shop() -> Organization:
    factories.make_organization("example-bank", "Example Bank")
    return factories.make_organization()


@pytest.fixture
def desk(shop: Organization) -> Person:
    return factories.make_person("desk", "support")


def of(organization: Organization) -> Over:
    return Over(Freeze.Scope.ORGANIZATION, organization)


def versions() -> dict[str, int]:
    return dict(Organization.objects.values_list("slug", "version"))


def test_it_is_told_to_those_whom_it_concerns(shop: Organization, desk: Person) -> None:
    before = versions()
    freeze = set_freeze(desk, of(shop), f" {WHY} ")
    assert (freeze.by, freeze.because) == (desk, WHY)
    assert versions() == before | {"example-shop": before["example-shop"] + 1}
    set_freeze(desk, EVERYONE, WHY)
    assert all(versions()[slug] > version for slug, version in before.items())
    told = AuditEntry.objects.filter(event="freeze.set").order_by("index")
    assert [(row.actor, row.organization) for row in told] == [("desk", "example-shop"), ("desk", "")]
    assert WHY.encode() in bytes(told[0].body)


def test_lifting_is_told_and_may_be_repeated(shop: Organization, desk: Person) -> None:
    freeze = set_freeze(desk, ACTION, WHY)
    for _ in range(2):
        lift(desk, freeze, "All is well")
    freeze.refresh_from_db()
    assert (freeze.lifted_by, freeze.lifted_because) == (desk, "All is well")
    assert AuditEntry.objects.filter(event="freeze.lifted").count() == 1
    set_freeze(desk, ACTION, "again")


@pytest.mark.parametrize("over", [EVERYONE, ACTION, None], ids=["everyone", "action", "organization"])
def test_there_is_one_of_a_kind(shop: Organization, desk: Person, over: Over | None) -> None:
    set_freeze(desk, over or of(shop), WHY)
    with pytest.raises(Refused, match="paused already"):
        set_freeze(desk, over or of(shop), "another reason")
    assert Freeze.objects.count() == 1
    set_freeze(desk, of(Organization.objects.get(slug="example-bank")), WHY)


@pytest.mark.parametrize("because", ["", "   ", "x" * 301])
def test_it_needs_a_reason(shop: Organization, desk: Person, because: str) -> None:
    with pytest.raises(Refused, match="Write why"):
        set_freeze(desk, of(shop), because)
    freeze = set_freeze(desk, of(shop), WHY)
    with pytest.raises(Refused, match="Write why"):
        lift(desk, freeze, because)
    freeze.refresh_from_db()
    assert freeze.lifted_at is None


def test_an_unknown_action_is_refused(shop: Organization, desk: Person) -> None:
    for name in ("", "restore_the_moon"):
        with pytest.raises(Refused, match="no such action"):
            set_freeze(desk, Over(Freeze.Scope.ACTION, action=name), WHY)


@pytest.mark.parametrize("groups", [("example-shop/owners",), ("engineers",), ("reviewers",), ()])
def test_others_may_pause_nothing_and_lift_nothing(shop: Organization, desk: Person, groups: tuple[str, ...]) -> None:
    person = factories.make_person("somebody", *groups)
    for over in (EVERYONE, ACTION, of(shop), Over(Freeze.Scope.ORGANIZATION)):
        with pytest.raises(NotAllowed):
            set_freeze(person, over, WHY)
    freeze = set_freeze(desk, of(shop), WHY)
    with pytest.raises(NotAllowed):
        lift(person, freeze, WHY)


def test_everyone_is_a_right_of_its_own(shop: Organization, desk: Person) -> None:
    Group.objects.get(name="support").permissions.clear()
    set_freeze(desk, of(shop), WHY)
    for over in (EVERYONE, ACTION):
        with pytest.raises(NotAllowed):
            set_freeze(desk, over, WHY)
    grant_platform_rights(ENGINE)
    freeze = set_freeze(desk, EVERYONE, WHY)
    Person.objects.filter(pk=desk.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        lift(desk, freeze, WHY)


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "everyone", "action": "readvertise_prefix"},
        {"scope": "organization"},
        {"scope": "action"},
        {"scope": "", "action": "readvertise_prefix"},
    ],
)
def test_the_database_knows_no_freeze_over_nothing(shop: Organization, desk: Person, fields: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Freeze.objects.create(by=desk, since=database_now(), because=WHY, **fields)
