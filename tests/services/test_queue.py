"""The engineers' queue: taken by one, handed over in the open, and told to the customer."""

from __future__ import annotations

import pytest

from incidents.domain.errors import NotAllowed, Refused
from incidents.models import AuditEntry, EngineerEntry, Organization, Person
from incidents.models.clock import database_now
from incidents.services.queue import take, write_note
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> EngineerEntry:
    shop = factories.make_organization()
    factories.make_prefix(shop, "203.0.113.0/24", withdrawn=("edge-a",), unbound=("edge-a",))
    return EngineerEntry.objects.get()


@pytest.fixture
def engineer(entry: EngineerEntry) -> Person:
    return factories.make_person("engineer", "engineers")


def test_one_takes_it_and_another_takes_it_over(entry: EngineerEntry, engineer: Person) -> None:
    other = factories.make_person("other", "engineers")
    version = Organization.objects.get().version
    take(engineer, entry, "")
    with pytest.raises(Refused, match="Somebody else has taken it"):
        take(other, entry, "")
    take(other, entry, "engineer")
    entry.refresh_from_db()
    assert entry.taken_by == other
    assert Organization.objects.get().version == version + 2
    rows = AuditEntry.objects.filter(event="engineer-entry.taken").order_by("index")
    assert [row.actor for row in rows] == ["engineer", "other"]
    assert b'"instead_of":"engineer"' in bytes(rows[1].body)


def test_a_note_replaces_the_one_before(entry: EngineerEntry, engineer: Person) -> None:
    write_note(engineer, entry, "We make the bindings anew")
    write_note(factories.make_person("desk", "support"), entry, " Ten more minutes ")
    entry.refresh_from_db()
    assert (entry.note, entry.noted_at is not None) == ("Ten more minutes", True)
    assert AuditEntry.objects.filter(event="engineer-entry.noted").count() == 2


@pytest.mark.parametrize("note", ["", "  ", "x" * 301])
def test_a_note_says_something_short(entry: EngineerEntry, engineer: Person, note: str) -> None:
    with pytest.raises(Refused, match="Write what the customer should know"):
        write_note(engineer, entry, note)


@pytest.mark.parametrize("groups", [("example-shop/owners",), ("reviewers",), ()])
def test_nobody_else_may(entry: EngineerEntry, groups: tuple[str, ...]) -> None:
    person = factories.make_person("somebody", *groups)
    with pytest.raises(NotAllowed):
        take(person, entry, "")
    with pytest.raises(NotAllowed):
        write_note(person, entry, "mine")


def test_support_does_not_take_what_it_cannot_repair(entry: EngineerEntry) -> None:
    with pytest.raises(NotAllowed):
        take(factories.make_person("desk", "support"), entry, "")


def test_what_is_settled_is_left_alone(entry: EngineerEntry, engineer: Person) -> None:
    EngineerEntry.objects.update(closed_at=database_now())
    with pytest.raises(Refused, match="settled by now"):
        take(engineer, entry, "")
    with pytest.raises(Refused, match="settled by now"):
        write_note(engineer, entry, "too late")
    entry.refresh_from_db()
    assert (entry.taken_by, entry.note) == (None, "")
    assert not AuditEntry.objects.exists()
