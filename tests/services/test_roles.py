"""Giving and taking roles: nobody gives more than they have, an owner stays, and each change is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from guardian.shortcuts import assign_perm

from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.people import ORGANIZATION_ROLES, PLATFORM_ROLES
from incidents.engine.grants import holds, may_use
from incidents.models import AuditEntry, Organization, Person, RoleChange
from incidents.services.roles import change_role, must_give, remove
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Organization:
    made = factories.make_organization()
    factories.make_organization("example-bank", "Example Bank")
    factories.make_prefix(made)
    factories.make_preapproval(made)
    return made


@pytest.fixture
def owner(shop: Organization) -> Person:
    return factories.make_person("shop-owner", "example-shop/owners", title="Ada")


def roles_of(person: Person) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def entries(event: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(row.body)) for row in AuditEntry.objects.filter(event=event).order_by("index")]


EVERYBODY = [f"example-shop/{role}" for role in ORGANIZATION_ROLES] + list(PLATFORM_ROLES) + ["example-bank/owners"]


@pytest.mark.parametrize("role", [*ORGANIZATION_ROLES, *PLATFORM_ROLES, "example-bank/owners", "superuser"])
@pytest.mark.parametrize("giver", EVERYBODY)
def test_only_owners_give_and_only_roles_of_their_own_organization(shop: Organization, giver: str, role: str) -> None:
    person = factories.make_person("giver", giver)
    viewer = factories.make_person("viewer", "example-shop/viewers")

    if giver == "example-shop/owners" and role in ORGANIZATION_ROLES:
        change_role(person, shop, viewer, role)
        assert roles_of(viewer) == {f"example-shop/{role}"}
        return
    with pytest.raises(Refused) as refused:
        change_role(person, shop, viewer, role)
    assert isinstance(refused.value, NotAllowed) is (giver != "example-shop/owners")
    assert roles_of(viewer) == {"example-shop/viewers"}
    assert entries("person.role-changed") == []


@pytest.mark.parametrize("role", ORGANIZATION_ROLES)
@pytest.mark.parametrize("giver", ORGANIZATION_ROLES)
def test_nobody_gives_more_than_they_have(shop: Organization, giver: str, role: str) -> None:
    """Whatever else lets somebody manage people: each role needs all of its rights."""
    person = factories.make_person("giver", f"example-shop/{giver}")
    order = list(ORGANIZATION_ROLES)

    if order.index(giver) <= order.index(role):
        must_give(person, shop, role)
        return
    with pytest.raises(Refused, match="That role may do something that you may not"):
        must_give(person, shop, role)


def test_rights_on_preapprovals_count_too(shop: Organization, owner: Person) -> None:
    """A role that may agree as the second person, where owners may not, is more than an owner has."""
    preapproval = shop.preapprovals.get()
    viewers, viewer = (
        Group.objects.get(name="example-shop/viewers"),
        factories.make_person("v", "example-shop/operators"),
    )
    assign_perm("incidents.approve_preapproval", viewers, preapproval)
    must_give(owner, shop, "viewers")
    preapproval.preapprovalgroupobjectpermission_set.filter(group__name="example-shop/owners").delete()

    with pytest.raises(Refused, match="That role may do something that you may not"):
        change_role(owner, shop, viewer, "viewers")


def test_a_role_without_a_group_is_no_role(shop: Organization, owner: Person) -> None:
    viewer = factories.make_person("viewer", "example-shop/operators")
    Group.objects.get(name="example-shop/viewers").delete()

    with pytest.raises(Refused, match="Choose one of the roles"):
        change_role(owner, shop, viewer, "viewers")


def test_a_change_is_written_down_and_counts_at_once(shop: Organization, owner: Person) -> None:
    person = factories.make_person("shop-viewer", "example-shop/viewers", "example-bank/viewers")
    version = shop.version

    change_role(owner, shop, person, "operators")

    assert roles_of(person) == {"example-shop/operators", "example-bank/viewers"}
    assert may_use(person, shop.preapprovals.get())
    [entry] = entries("person.role-changed")
    assert (entry["actor"]["name"], entry["organization"]) == ("shop-owner", "example-shop")
    assert entry["data"] == {"person": "shop-viewer", "before": "viewers", "after": "operators"}
    row = RoleChange.objects.get()
    assert (row.person, row.role, row.by, row.settled_at) == (person, "operators", owner, None)
    shop.refresh_from_db()
    assert shop.version == version + 1

    change_role(owner, shop, person, "operators")
    assert len(entries("person.role-changed")) == 1


def test_several_roles_become_one(shop: Organization, owner: Person) -> None:
    person = factories.make_person("both", "example-shop/viewers", "example-shop/operators")

    change_role(owner, shop, person, "viewers")

    assert roles_of(person) == {"example-shop/viewers"}
    assert entries("person.role-changed")[0]["data"]["before"] == "operators"


def test_who_is_removed_holds_nothing_here_and_keeps_what_is_elsewhere(shop: Organization, owner: Person) -> None:
    person = factories.make_person("leaver", "example-shop/operators", "example-bank/viewers")

    remove(owner, shop, person)
    remove(owner, shop, person)

    assert roles_of(person) == {"example-bank/viewers"}
    assert not holds(person, "see_organization", shop)
    [entry] = entries("person.removed")
    assert entry["data"] == {"person": "leaver", "before": "operators", "after": ""}


def test_who_was_removed_can_be_given_a_role_again(shop: Organization, owner: Person) -> None:
    person = factories.make_person("leaver", "example-shop/operators")
    remove(owner, shop, person)

    change_role(owner, shop, person, "viewers")

    assert roles_of(person) == {"example-shop/viewers"}
    assert entries("person.role-changed")[0]["data"] == {"person": "leaver", "before": "", "after": "viewers"}


@pytest.mark.parametrize("gone_by", ["never here", "the inventory", "inactive"])
def test_nobody_is_brought_in_by_their_name_alone(shop: Organization, owner: Person, gone_by: str) -> None:
    person = factories.make_person("bank-operator", "example-bank/operators")
    if gone_by != "never here":
        by = None if gone_by == "the inventory" else owner
        RoleChange.objects.create(person=person, organization=shop, by=by, at="2026-11-25T00:00:00Z")
    if gone_by == "inactive":
        Person.objects.filter(pk=person.pk).update(is_active=False)

    with pytest.raises(Refused, match="does not belong to Example Shop"):
        change_role(owner, shop, person, "viewers")
    with pytest.raises(Refused, match="does not belong to Example Shop"):
        remove(owner, shop, person)
    assert roles_of(person) == {"example-bank/operators"}


def test_the_last_owner_stays(shop: Organization, owner: Person) -> None:
    left = factories.make_person("left", "example-shop/owners")
    Person.objects.filter(pk=left.pk).update(is_active=False)

    told = r"You are the last owner of Example Shop\. Make somebody else an owner first"
    with pytest.raises(Refused, match=told):
        remove(owner, shop, owner)
    with pytest.raises(Refused, match=told):
        change_role(owner, shop, owner, "viewers")
    assert roles_of(owner) == {"example-shop/owners"}

    second = factories.make_person("second", "example-shop/viewers")
    change_role(owner, shop, second, "owners")
    remove(owner, shop, owner)
    assert roles_of(owner) == set()
    with pytest.raises(NotAllowed):
        change_role(owner, shop, second, "viewers")


def test_an_owner_who_is_not_active_any_more_changes_nothing(shop: Organization, owner: Person) -> None:
    viewer = factories.make_person("viewer", "example-shop/viewers")
    Person.objects.filter(pk=owner.pk).update(is_active=False)

    with pytest.raises(NotAllowed):
        remove(owner, shop, viewer)
