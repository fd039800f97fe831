"""The first password comes from the file; one that a person has set is theirs."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate

from incidents.models import Person
from incidents.services import inventory as service
from incidents.services.inventory_passwords import hash_passwords
from tests import factories
from tests.inventory.conftest import EXAMPLE, Apply, Reader, replaced
from tests.inventory.test_removal import BOB, without

pytestmark = pytest.mark.django_db
OWN = "a long walk by the sea"


def set_own(name: str) -> None:
    person = Person.objects.get(username=name)
    person.set_password(OWN)
    person.save()


def opens(name: str, password: str) -> bool:
    return authenticate(username=name, password=password) is not None


def test_people_sign_in_with_what_the_file_gives_and_a_new_one_replaces_it(
    apply: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(EXAMPLE)
    assert opens("alice", "secret of alice")
    assert Person.objects.get(username="alice").password.startswith("argon2")
    monkeypatch.setenv("ALICE", "changed")
    assert apply(EXAMPLE).kinds["person"].changed == {"alice": ("password", "first_password")}
    assert not opens("alice", "secret of alice")
    assert opens("alice", "changed")


def test_one_that_a_person_has_set_stays(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(EXAMPLE)
    set_own("alice")
    assert apply(EXAMPLE).is_empty
    assert opens("alice", OWN)
    monkeypatch.setenv("ALICE", "changed")
    assert apply(EXAMPLE).kinds["person"].changed == {"alice": ("first_password",)}
    assert apply(EXAMPLE).is_empty
    assert opens("alice", OWN)
    assert not opens("alice", "changed")


def test_who_is_removed_and_comes_back_begins_with_the_one_of_the_file(apply: Apply) -> None:
    apply(EXAMPLE)
    set_own("bob")
    apply(without(BOB, remove="person bob"))
    assert apply(EXAMPLE).kinds["person"].changed == {"bob": ("password", "active", "groups")}
    assert not opens("bob", OWN)
    assert opens("bob", "secret of bob")


def test_who_was_there_before_the_file_keeps_their_own(apply: Apply) -> None:
    factories.make_organization("shop", "Example Shop")
    factories.make_person("bob", "shop/viewers")
    set_own("bob")
    apply(EXAMPLE)
    assert opens("bob", OWN)
    assert apply(EXAMPLE).is_empty


def test_one_that_is_set_while_the_file_is_applied_stays(inventory: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    service.apply(inventory(EXAMPLE), by="engineer")

    def slow(*given: object) -> object:
        hashes = hash_passwords(*given)  # type: ignore[arg-type]
        if len(given) == 1:
            set_own("alice")
        return hashes

    monkeypatch.setattr("incidents.services.inventory.hash_passwords", slow)
    service.apply(inventory(replaced("title: Berlin", "title: Bonn")), by="engineer")
    assert opens("alice", OWN)
