"""What an owner has decided on the page stays until the file agrees, or the engineers insist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import authenticate

from incidents.models import AuditEntry, InventoryRevision, Organization, Person, RoleChange
from incidents.services import inventory as service
from incidents.services.inventory_passwords import hash_passwords
from incidents.services.invitations import accept, invite
from incidents.services.roles import change_role, remove
from tests.inventory.conftest import Apply, Reader, entries, replaced
from tests.inventory.test_removal import BOB, refusals, without

pytestmark = pytest.mark.django_db

WITH_OWNER = replaced(
    "people:\n", "people:\n  - {name: olga, title: Olga, password: env:TOKEN, groups: [shop/owners]}\n"
)
PATH = "people[2].groups"
LINE = WITH_OWNER.splitlines().index(BOB.rstrip()) + 1


@pytest.fixture
def shop(apply: Apply) -> Organization:
    apply(WITH_OWNER)
    return Organization.objects.get(slug="shop")


@pytest.fixture
def olga(shop: Organization) -> Person:
    return Person.objects.get(username="olga")


@pytest.fixture
def bob(shop: Organization) -> Person:
    return Person.objects.get(username="bob")


def today() -> str:
    return RoleChange.objects.get(by__isnull=False).at.date().isoformat()


def groups(name: str) -> set[str]:
    return set(Person.objects.get(username=name).groups.values_list("name", flat=True))


def with_bob(text: str, *more: str) -> str:
    return replaced("groups: [shop/viewers]", f"groups: [{', '.join((text, *more)) if text else ''}]", WITH_OWNER)


def test_the_inventory_writes_down_what_it_gave(shop: Organization, apply: Apply) -> None:
    given = RoleChange.objects.filter(by=None, settled_at__isnull=False)
    rows = given.order_by("person__username").values_list("person__username", "role")
    assert list(rows) == [("alice", "operators"), ("bob", "viewers"), ("olga", "owners")]
    apply(with_bob("bank/operators"))
    found = given.filter(person__username="bob").values_list("organization__slug", "role")
    assert set(found) == {("shop", ""), ("bank", "operators")}


def test_a_file_that_says_otherwise_is_at_fault(
    shop: Organization, olga: Person, bob: Person, inventory: Reader
) -> None:
    change_role(olga, shop, bob, "operators")
    [fault] = refusals(inventory(WITH_OWNER))
    insist = f"role bob shop {today()}"
    assert fault == (
        PATH,
        LINE,
        f"olga made bob one of shop/operators on {today()}; say the same here, or name `{insist}` under remove",
    )
    assert groups("bob") == {"shop/operators"}

    remove(olga, shop, bob)
    [(_, _, message)] = refusals(inventory(WITH_OWNER))
    assert message.startswith(f"olga took bob out of shop on {today()}; say the same here")
    assert groups("bob") == set()


@pytest.mark.parametrize("more", ["shop/viewers", "shop/owners"])
def test_a_second_group_of_the_organization_is_not_the_same(
    shop: Organization, olga: Person, bob: Person, inventory: Reader, more: str
) -> None:
    change_role(olga, shop, bob, "operators")
    assert len(refusals(inventory(with_bob("shop/operators", more)))) == 1


def test_what_the_file_says_of_other_organizations_is_free(
    shop: Organization, olga: Person, bob: Person, apply: Apply
) -> None:
    change_role(olga, shop, bob, "operators")
    apply(with_bob("shop/operators", "bank/viewers"))
    assert groups("bob") == {"shop/operators", "bank/viewers"}


@pytest.mark.parametrize("role", ["operators", ""])
def test_once_the_file_agrees_it_decides_again(
    shop: Organization, olga: Person, bob: Person, apply: Apply, role: str
) -> None:
    change_role(olga, shop, bob, role) if role else remove(olga, shop, bob)
    revisions = InventoryRevision.objects.count()

    assert apply(with_bob(f"shop/{role}" if role else "")).is_empty

    assert InventoryRevision.objects.count() == revisions
    [entry] = entries("inventory.role.settled")
    assert (entry["organization"], entry["data"]) == ("shop", {"person": "bob", "role": role, "by": "olga"})
    row = RoleChange.objects.get(person=bob)
    assert (row.by, row.settled_at is not None) == (olga, True)
    written = AuditEntry.objects.count()
    assert apply(with_bob(f"shop/{role}" if role else "")).is_empty
    assert AuditEntry.objects.count() == written

    apply(WITH_OWNER)
    assert groups("bob") == {"shop/viewers"}


def test_the_engineers_insist_once(
    shop: Organization, olga: Person, bob: Person, apply: Apply, inventory: Reader
) -> None:
    remove(olga, shop, bob)
    RoleChange.objects.filter(person=bob).update(at=datetime.now(UTC) - timedelta(days=2))
    insisting = f"{WITH_OWNER}remove: [role bob shop {today()}]\n"

    diff = apply(insisting)

    assert diff.kinds["person"].changed == {"bob": ("groups",)}
    assert groups("bob") == {"shop/viewers"}
    [entry] = entries("inventory.role.set-aside")
    assert entry["data"] == {"person": "bob", "role": "", "by": "olga"}
    assert apply(insisting).is_empty

    change_role(olga, shop, bob, "operators")
    assert len(refusals(inventory(insisting))) == 1
    assert groups("bob") == {"shop/operators"}


@pytest.mark.parametrize(
    "named", ["role alice shop 2999-01-01", "role bob bank 2999-01-01", "role bob shop 2000-01-01"]
)
def test_insisting_on_something_else_does_not_help(
    shop: Organization, olga: Person, bob: Person, inventory: Reader, named: str
) -> None:
    change_role(olga, shop, bob, "operators")
    assert [path for path, _, _ in refusals(inventory(f"{WITH_OWNER}remove: [{named}]\n"))] == [PATH]


def test_who_was_invited_on_the_page_is_not_touched(
    shop: Organization, olga: Person, apply: Apply, inventory: Reader
) -> None:
    waiting = invite(olga, shop, name="waiting", title="not here yet", role="viewers")
    made = invite(olga, shop, name="dora", title="Dora", role="operators")
    accept(made.token, "a long walk by the sea")

    diff = apply(WITH_OWNER)

    assert (diff.is_empty, diff.kinds["person"].extra) == (True, ("dora",))
    assert groups("dora") == {"shop/operators"}
    accept(waiting.token, "a long walk by the sea")

    dora = "  - {name: dora, title: Dora, password: env:TOKEN, groups: [shop/viewers]}\n"
    assert len(refusals(inventory(replaced("preapprovals:\n", f"{dora}preapprovals:\n", WITH_OWNER)))) == 1
    agreeing = dora.replace("viewers", "operators")
    apply(replaced("preapprovals:\n", f"{agreeing}preapprovals:\n", WITH_OWNER))
    assert authenticate(username="dora", password="a long walk by the sea") is not None


def test_a_person_whom_the_file_removes_takes_the_decisions_along(
    shop: Organization, olga: Person, bob: Person, apply: Apply
) -> None:
    change_role(olga, shop, bob, "operators")
    apply(without(BOB, remove="person bob", text=WITH_OWNER))
    apply(WITH_OWNER)
    assert groups("bob") == {"shop/viewers"}


def test_a_decision_counts_that_is_made_while_the_file_is_compared(
    shop: Organization, olga: Person, bob: Person, inventory: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords are hashed before the transaction; what happens meanwhile is seen in it."""

    def slow(*given: object) -> object:
        remove(olga, shop, bob)
        return hash_passwords(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("incidents.services.inventory.hash_passwords", slow)
    with pytest.raises(ExceptionGroup):
        service.apply(inventory(WITH_OWNER), by="engineer")
    assert groups("bob") == set()
