"""Applying an inventory: what it makes, that it is done once, and what it refuses to take away."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from incidents.domain.canonical import digest
from incidents.domain.errors import InventoryFault
from incidents.models import (
    AuditEntry,
    Backend,
    Binding,
    InventoryRevision,
    Location,
    Organization,
    Person,
    Point,
    Preapproval,
    Resource,
)
from incidents.services import inventory as service
from incidents.services.inventory_passwords import hash_passwords
from incidents.services.sign_in import find_by_company_id
from tests.inventory.conftest import EXAMPLE, Apply, Reader, entries, large, replaced

pytestmark = pytest.mark.django_db


def test_it_makes_everything_that_the_file_names(apply: Apply) -> None:
    diff = apply(EXAMPLE)
    assert diff.count() == {"added": 25, "changed": 0, "removed": 0}
    assert list(Location.objects.values_list("slug", "title", "zone", "position")) == [
        ("edge-a", "Amsterdam", "eu-west", 0),
        ("edge-b", "Berlin", "", 1),
    ]
    assert Backend.objects.get(slug="router-edge-a").budget_ms == 2500
    resource = Resource.objects.get(name="203.0.113.0/24")
    assert (resource.organization.slug, resource.kind, resource.settings) == ("shop", "prefix", {"origins": [64496]})
    binding = resource.bindings.get(aspect="service")
    assert (binding.location.slug, binding.backend.slug, binding.key) == ("edge-a", "registry", "edge-a/203.0.113.0/24")
    assert list(resource.points.exclude(address="").values_list("address", flat=True)) == ["127.0.0.1:8443"]
    preapproval = Preapproval.objects.get()
    assert set(preapproval.resources.values_list("name", flat=True)) == {"203.0.113.0/24", "2001:db8::/32"}
    assert preapproval.terms["stages"] == ["1", "25%", "100%"]


def test_a_preapproval_is_named_by_the_digest_of_what_was_agreed(apply: Apply) -> None:
    apply(EXAMPLE)
    row = Preapproval.objects.get()
    assert row.digest == digest(
        {
            "slug": "shop-readvertise",
            "action": "readvertise_prefix",
            "organization": "shop",
            "resources": ["2001:db8::/32", "203.0.113.0/24"],
            "groups": ["shop/operators"],
            "approvers": ["shop/operators", "shop/owners", "support"],
            "terms": row.terms,
        }
    )


def test_the_second_time_nothing_changes_and_nothing_is_logged(apply: Apply) -> None:
    def written() -> tuple[int, int, int]:
        version = Organization.objects.get(slug="shop").version
        return AuditEntry.objects.count(), InventoryRevision.objects.count(), version

    first = apply(EXAMPLE)
    before = written()
    second = apply(EXAMPLE)
    assert first.revision == InventoryRevision.objects.get().pk
    assert (second.is_empty, second.revision) == (True, 0)
    assert written() == before


def test_a_plan_tells_the_same_and_changes_nothing(inventory: Reader) -> None:
    diff = service.plan(inventory(EXAMPLE))
    assert diff.count()["added"] == 25
    assert not Location.objects.exists()
    assert not AuditEntry.objects.exists()
    assert diff.kinds == service.apply(inventory(EXAMPLE), by="engineer").kinds


def test_changes_are_named_field_by_field(apply: Apply) -> None:
    apply(EXAMPLE)
    version = Organization.objects.get(slug="bank").version
    text = EXAMPLE
    for old, new in (
        ("title: Berlin", "title: Bonn"),
        ("budget_seconds: 2.5", "budget_seconds: 3"),
        ("title: shop and checkout", "title: shop"),
        ("127.0.0.1:8443", "127.0.0.1:8444"),
        ("key: edge-a/203.0.113.0/24", "key: other"),
        ("title: viewer of Example Shop", "title: a viewer"),
        ("tier: 1", "tier: 2"),
    ):
        text = replaced(old, new, text)
    diff = apply(text)
    assert {(kind, *item) for kind, part in diff.kinds.items() for item in part.changed.items()} == {
        ("location", "edge-b", ("title",)),
        ("backend", "router-edge-a", ("budget_ms",)),
        ("resource", "203.0.113.0/24", ("title",)),
        ("watch", "203.0.113.0/24 edge-a tcp", ("address",)),
        ("binding", "203.0.113.0/24 edge-a service", ("key",)),
        ("person", "bob", ("title",)),
        ("preapproval", "shop-readvertise", ("terms", "digest", "seal")),
    }
    assert Point.objects.filter(address="127.0.0.1:8444").count() == 1
    assert Binding.objects.filter(key="other", seen=None, good=None).count() == 1
    assert Organization.objects.get(slug="bank").version == version + 1
    assert InventoryRevision.objects.count() == 2


def test_two_bindings_can_swap_their_keys(apply: Apply) -> None:
    text = EXAMPLE.replace("edge-b, backend: router-edge-b, aspect: route, key: 203.0.113.0/24",
                           "edge-b, backend: registry, aspect: service, key: second")  # fmt: skip
    apply(text)
    swapped = text.replace("key: second", "key: third").replace("key: edge-a/203.0.113.0/24", "key: second")
    apply(swapped.replace("key: third", "key: edge-a/203.0.113.0/24"))
    keys = dict(Binding.objects.filter(aspect="service").values_list("location__slug", "key"))
    assert keys == {"edge-a": "second", "edge-b": "edge-a/203.0.113.0/24"}


def test_each_change_is_an_audit_entry_with_who_and_what(apply: Apply) -> None:
    apply(EXAMPLE)
    apply(replaced("tier: 1", "tier: 2"))
    (added,) = entries("inventory.preapproval.added")
    (changed,) = entries("inventory.preapproval.changed")
    assert changed["actor"] == {"kind": "command", "id": "engineer", "name": "engineer"}
    assert (changed["organization"], changed["data"]["terms"]["tier"]) == ("shop", 2)
    assert changed["data"]["digest_before"] == added["data"]["digest"]
    prefixes = {entry["organization"]: entry["data"]["names"] for entry in entries("inventory.resource.added")}
    assert prefixes == {"shop": ["203.0.113.0/24", "2001:db8::/32"], "bank": ["198.51.100.0/24"]}
    last = entries("inventory.applied")[-1]
    assert last["data"] == {
        "added": 0,
        "changed": 1,
        "removed": 0,
        "digest": InventoryRevision.objects.latest("pk").digest,
        "revision": InventoryRevision.objects.latest("pk").pk,
    }


def test_no_secret_reaches_the_log(apply: Apply) -> None:
    apply(EXAMPLE)
    logged = b"".join(bytes(row.body) for row in AuditEntry.objects.all()).decode()
    assert "secret of" not in logged
    assert "argon2" not in logged
    assert "env:TOKEN" not in logged


def test_a_person_is_known_by_the_name_that_the_company_gives(apply: Apply) -> None:
    apply(replaced("- name: alice", "- name: alice\n    company_id: 'auth0|17'"))
    assert find_by_company_id("auth0|17") == Person.objects.get(username="alice")
    assert find_by_company_id("") is None
    # Two who are called the same are nobody, whatever else has been written into the table.
    Person.objects.update(company_id="auth0|17")
    assert find_by_company_id("auth0|17") is None


def test_the_same_file_applied_twice_at_once_changes_nothing_the_second_time(
    inventory: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = inventory(EXAMPLE)
    early = hash_passwords(found)
    service.apply(found, by="engineer")
    monkeypatch.setattr(
        service, "hash_passwords", lambda file, made=None: hash_passwords(file, made) if made else early
    )
    assert service.apply(found, by="another").is_empty


def test_a_password_that_went_away_after_reading_changes_nothing(
    inventory: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = inventory(EXAMPLE)
    monkeypatch.delenv("ALICE")
    with pytest.raises(ExceptionGroup) as caught:
        service.apply(found, by="engineer")
    (fault,) = caught.value.exceptions
    assert isinstance(fault, InventoryFault)
    assert (fault.path, fault.line) == ("people[0].password", EXAMPLE.splitlines().index("    password: env:ALICE") + 1)
    assert not Location.objects.exists()


def test_when_the_audit_log_cannot_be_written_nothing_is_applied(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(service, "append", refuse)
    with pytest.raises(RuntimeError, match="the log is full"):
        apply(EXAMPLE)
    assert not Location.objects.exists()
    assert not InventoryRevision.objects.exists()


def test_what_has_left_the_file_is_noted_and_kept(apply: Apply) -> None:
    apply(EXAMPLE)
    text = EXAMPLE[: EXAMPLE.index("preapprovals:")] + "preapprovals: []\n"
    text = replaced('          - {probe: tcp, location: edge-a, address: "127.0.0.1:8443"}\n', "", text)
    diff = apply(text)
    assert diff.is_empty
    assert diff.kinds["preapproval"].extra == ("shop-readvertise",)
    assert diff.kinds["watch"].extra == ("203.0.113.0/24 edge-a tcp",)
    assert Preapproval.objects.count() == 1


def test_1100_prefixes_take_a_number_of_statements_that_hardly_grows(
    inventory: Reader, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    found = inventory(large(1100))
    with django_assert_max_num_queries(120):
        diff = service.apply(found, by="engineer")
    assert diff.kinds["binding"].added == tuple(
        f"10.{number // 256}.{number % 256}.0/24 edge-{edge} route" for number in range(1100) for edge in "abc"
    )
    assert Preapproval.objects.get().resources.count() == 1100
    assert [len(entry["data"]["names"]) for entry in entries("inventory.resource.added")] == [200] * 5 + [100]
    with django_assert_max_num_queries(25):
        assert service.apply(found, by="engineer").is_empty
    changed = inventory(large(1100).replace("settings: {origins: [64496]}", "settings: {origins: [64497]}"))
    with django_assert_max_num_queries(60):
        assert len(service.apply(changed, by="engineer").kinds["resource"].changed) == 1100
