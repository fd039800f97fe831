"""Invitations: a link that works once, for 72 hours, as long as who sent it may give what it gives."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.db.models import F

from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.people import PLATFORM_ROLES
from incidents.models import AuditEntry, Invitation, Organization, Person, RoleChange
from incidents.services.invitations import Invited, accept, hash_of, invite, withdraw
from incidents.services.roles import change_role, remove
from tests import factories
from tests.services.test_roles import entries, roles_of

PASSWORD = "a long walk by the sea"


@pytest.fixture
def shop(db: None) -> Organization:
    factories.make_organization("example-bank", "Example Bank")
    return factories.make_organization()


@pytest.fixture
def owner(shop: Organization) -> Person:
    return factories.make_person("shop-owner", "example-shop/owners", title="Ada")


def invited(owner: Person, shop: Organization, role: str = "operators", name: str = "newcomer") -> Invited:
    return invite(owner, shop, name=name, title="the night shift", role=role)


def test_it_makes_somebody_who_cannot_sign_in_yet(shop: Organization, owner: Person) -> None:
    made = invited(owner, shop)

    person = Person.objects.get(username="newcomer")
    assert (person.is_active, person.has_usable_password(), roles_of(person)) == (False, False, set())
    assert (person.title, person.invited_by) == ("the night shift", owner)
    assert made.invitation.expires_at - made.invitation.invited_at == timedelta(hours=72)
    [entry] = entries("person.invited")
    assert (entry["actor"]["name"], entry["organization"]) == ("shop-owner", "example-shop")
    assert entry["data"] == {
        "person": "newcomer",
        "title": "the night shift",
        "role": "operators",
        "expires_at": made.invitation.expires_at.isoformat(),
    }


def test_the_secret_of_the_link_is_kept_nowhere(shop: Organization, owner: Person) -> None:
    made = invited(owner, shop)

    assert len(made.token) >= 43  # 256 bits in base64
    assert made.invitation.token_hash == hash_of(made.token)
    assert made.token not in "".join(map(str, Invitation.objects.values_list()))
    assert made.token.encode() not in b"".join(bytes(row.body) for row in AuditEntry.objects.all())


def test_accepting_it_gives_the_role_and_the_password_once(shop: Organization, owner: Person) -> None:
    made = invited(owner, shop)

    person = accept(made.token, PASSWORD)

    assert authenticate(username="newcomer", password=PASSWORD) == person
    assert roles_of(person) == {"example-shop/operators"}
    row = RoleChange.objects.get()
    assert (row.person, row.role, row.by) == (person, "operators", owner)
    [entry] = entries("person.joined")
    assert (entry["actor"]["name"], entry["organization"]) == ("newcomer", "example-shop")
    assert entry["data"] == {"person": "newcomer", "role": "operators", "invited_by": "shop-owner"}

    with pytest.raises(Refused, match="does not work any more"):
        accept(made.token, "another long password")
    assert authenticate(username="newcomer", password=PASSWORD) == person


@pytest.mark.parametrize("why", ["made up", "expired", "withdrawn", "demoted", "removed", "inactive"])
def test_a_link_that_does_not_work_changes_nothing_and_tells_nothing(
    shop: Organization, owner: Person, why: str
) -> None:
    made = invited(owner, shop)
    factories.make_person("second", "example-shop/owners")
    match why:
        case "expired":
            Invitation.objects.update(expires_at=F("invited_at"))
        case "withdrawn":
            withdraw(owner, shop, made.invitation.pk)
        case "demoted":
            change_role(owner, shop, owner, "operators")
        case "removed":
            owner.groups.clear()  # as the inventory would
        case "inactive":
            Person.objects.filter(pk=owner.pk).update(is_active=False)

    with pytest.raises(Refused) as refused:
        accept("x" * 43 if why == "made up" else made.token, PASSWORD)

    assert str(refused.value) == "This link does not work any more. Ask the person who sent it for a new one."
    person = Person.objects.get(username="newcomer")
    assert (person.is_active, person.has_usable_password(), roles_of(person)) == (False, False, set())
    assert Invitation.objects.get().used_at is None
    assert entries("person.joined") == []


def test_a_link_does_not_open_the_door_of_somebody_whom_the_inventory_has_made_meanwhile(
    shop: Organization, owner: Person
) -> None:
    made = invited(owner, shop)
    person = Person.objects.get(username="newcomer")
    person.set_password("given by the inventory")
    person.is_active, person.first_password = True, person.password
    person.save()

    with pytest.raises(Refused):
        accept(made.token, PASSWORD)

    assert authenticate(username="newcomer", password="given by the inventory") == person
    Person.objects.update(is_active=False)
    with pytest.raises(Refused):
        accept(made.token, PASSWORD)


@pytest.mark.parametrize("name", ["bank-operator", "gone"])
def test_a_name_that_somebody_has_is_taken_and_nothing_more_is_said(
    shop: Organization, owner: Person, name: str
) -> None:
    factories.make_person("bank-operator", "example-bank/operators")
    factories.make_person("gone")
    Person.objects.filter(username="gone").update(is_active=False)

    with pytest.raises(Refused) as refused:
        invited(owner, shop, name=name)
    assert str(refused.value) == "This name is taken. Choose another."
    assert not Invitation.objects.exists()


def test_somebody_who_never_came_can_be_invited_again_by_the_same_organization_only(
    shop: Organization, owner: Person
) -> None:
    first = invited(owner, shop)
    with pytest.raises(Refused, match="has an invitation already"):
        invited(owner, shop)
    withdraw(owner, shop, first.invitation.pk)
    withdraw(owner, shop, first.invitation.pk)
    assert [entry["data"] for entry in entries("invitation.withdrawn")] == [{"person": "newcomer", "role": "operators"}]
    other = factories.make_person("bank-owner", "example-bank/owners")
    with pytest.raises(Refused, match="This name is taken"):
        invited(other, Organization.objects.get(slug="example-bank"))

    second = invited(owner, shop, role="viewers")

    assert roles_of(accept(second.token, PASSWORD)) == {"example-shop/viewers"}
    with pytest.raises(Refused, match="This name is taken"):
        invited(owner, shop)


@pytest.mark.parametrize("role", [*PLATFORM_ROLES, "example-bank/owners", "example-shop/owners", "", "admin"])
def test_only_roles_of_the_organization_can_be_invited_to(shop: Organization, owner: Person, role: str) -> None:
    with pytest.raises(Refused, match="Choose one of the roles"):
        invited(owner, shop, role=role)
    assert not Person.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("group", ["example-shop/operators", "example-bank/owners", *PLATFORM_ROLES])
def test_only_owners_invite_and_withdraw(shop: Organization, owner: Person, group: str) -> None:
    made = invited(owner, shop)
    person = factories.make_person("somebody", group)

    with pytest.raises(NotAllowed):
        invited(person, shop, role="viewers", name="another")
    with pytest.raises(NotAllowed):
        withdraw(person, shop, made.invitation.pk)
    assert Invitation.objects.get().withdrawn_at is None


def test_what_a_removed_owner_has_sent_is_withdrawn(shop: Organization, owner: Person) -> None:
    invited(owner, shop)
    second = factories.make_person("second", "example-shop/owners")
    invited(second, shop, name="other")

    remove(second, shop, owner)

    assert list(Invitation.objects.filter(withdrawn_at=None).values_list("person__username", flat=True)) == ["other"]
    assert len(entries("invitation.withdrawn")) == 1


def test_of_two_people_with_one_link_one_gets_in(committed: None) -> None:
    shop = factories.make_organization()
    made = invited(factories.make_person("shop-owner", "example-shop/owners"), shop)
    ready, outcomes = threading.Barrier(2), []

    def come(password: str) -> None:
        try:
            ready.wait()
            accept(made.token, password)
            outcomes.append(password)
        except Refused:
            outcomes.append("")
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(f"{word} of twelve letters",)) for word in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [winner] = [outcome for outcome in outcomes if outcome]
    assert len(outcomes) == 2
    assert authenticate(username="newcomer", password=winner) is not None
    assert len(entries("person.joined")) == 1


def test_of_two_invitations_with_one_name_one_is_made(committed: None) -> None:
    shop = factories.make_organization()
    owner = factories.make_person("shop-owner", "example-shop/owners")
    ready, outcomes = threading.Barrier(2), []

    def ask() -> None:
        try:
            ready.wait()
            outcomes.append(bool(invited(owner, shop)))
        except Refused:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert Invitation.objects.count() == 1


def test_of_two_owners_who_remove_each_other_one_stays(committed: None) -> None:
    shop = factories.make_organization()
    first, second = (factories.make_person(name, "example-shop/owners") for name in ("first", "second"))
    ready, outcomes = threading.Barrier(2), []

    def push(who: Person, whom: Person) -> None:
        try:
            ready.wait()
            remove(who, shop, whom)
            outcomes.append(True)
        except Refused:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=push, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert Person.objects.filter(groups__name="example-shop/owners").count() == 1
