"""Who may do what after an inventory was applied, asked the way that the console asks it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from incidents.models import (
    Organization,
    OrganizationGroupObjectPermission,
    Person,
    Preapproval,
    PreapprovalGroupObjectPermission,
)
from tests.inventory.conftest import EXAMPLE, Apply, entries, replaced

pytestmark = pytest.mark.django_db

SEE = "incidents.see_organization"
ACT = "incidents.act_for_organization"
USE = "incidents.use_preapproval"


def holds(username: str, permission: str, thing: Organization | Preapproval) -> bool:
    """Asked anew each time: people keep their permissions for as long as they are in memory."""
    return Person.objects.get(username=username).has_perm(permission, thing)


def rights(username: str) -> tuple[bool, bool, bool]:
    shop, preapproval = Organization.objects.get(slug="shop"), Preapproval.objects.get(slug="shop-readvertise")
    return holds(username, SEE, shop), holds(username, ACT, shop), holds(username, USE, preapproval)


def test_operators_act_and_viewers_look(apply: Apply) -> None:
    apply(EXAMPLE)
    assert rights("alice") == (True, True, True)
    assert rights("bob") == (True, False, False)


def test_nobody_holds_anything_of_another_organization(apply: Apply) -> None:
    apply(EXAMPLE)
    bank = Organization.objects.get(slug="bank")
    assert not any(holds(name, right, bank) for name in ("alice", "bob") for right in (SEE, ACT))
    assert not Person.objects.get(username="alice").has_perm(SEE)


def test_a_person_moves_between_groups(apply: Apply) -> None:
    apply(EXAMPLE)
    diff = apply(replaced("groups: [shop/viewers]", "groups: [bank/operators]"))
    assert diff.kinds["person"].changed == {"bob": ("groups",)}
    assert rights("bob") == (False, False, False)
    assert holds("bob", ACT, Organization.objects.get(slug="bank"))


def test_a_person_may_be_in_no_group(apply: Apply) -> None:
    apply(EXAMPLE)
    apply(replaced("groups: [shop/viewers]", "groups: []"))
    assert rights("bob") == (False, False, False)


def test_what_was_granted_beside_the_inventory_is_taken_back(apply: Apply) -> None:
    apply(EXAMPLE)
    shop, preapproval = Organization.objects.get(slug="shop"), Preapproval.objects.get()
    viewers = Group.objects.get(name="shop/viewers")
    OrganizationGroupObjectPermission.objects.assign_perm("act_for_organization", viewers, shop)
    preapproval.preapprovalgroupobjectpermission_set.filter(permission__codename="use_preapproval").delete()
    PreapprovalGroupObjectPermission.objects.assign_perm("use_preapproval", viewers, preapproval)
    assert rights("bob") == (True, True, True)
    diff = apply(EXAMPLE)
    assert diff.kinds["organization"].changed == {"shop": ("rights",)}
    assert diff.kinds["preapproval"].changed == {"shop-readvertise": ("groups",)}
    assert rights("bob") == (True, False, False)
    assert rights("alice") == (True, True, True)


def test_support_may_pause_everybody_and_nobody_else_may(apply: Apply) -> None:
    apply(EXAMPLE)
    support, engineers = Group.objects.get(name="support"), Group.objects.get(name="engineers")
    assert [right.codename for right in support.permissions.all()] == ["freeze_everyone"]
    assert not engineers.permissions.exists()
    support.permissions.set(Permission.objects.filter(codename="see_organization"))
    assert apply(EXAMPLE).is_empty
    assert [right.codename for right in support.permissions.all()] == ["freeze_everyone"]


def test_a_group_that_went_away_comes_back(apply: Apply) -> None:
    apply(EXAMPLE)
    Group.objects.get(name="shop/operators").delete()
    assert rights("alice") == (False, False, False)
    apply(EXAMPLE)
    assert rights("alice") == (True, True, True)


def test_a_preapproval_covers_exactly_what_the_file_says(apply: Apply) -> None:
    apply(EXAMPLE)
    diff = apply(replaced("resources: every prefix", "resources: [2001:db8::/32]"))
    assert diff.kinds["preapproval"].changed == {"shop-readvertise": ("digest", "seal", "resources")}
    assert [row.name for row in Preapproval.objects.get().resources.all()] == ["2001:db8::/32"]
    assert entries("inventory.preapproval.uncovered")[0]["data"]["resources"] == ["203.0.113.0/24"]


def test_a_new_prefix_is_covered_only_by_a_file_that_was_reviewed_with_it(apply: Apply) -> None:
    apply(replaced("resources: every prefix", "resources: [203.0.113.0/24]"))
    row = Preapproval.objects.get()
    apply(EXAMPLE)
    assert Preapproval.objects.get().resources.count() == 2
    assert Preapproval.objects.get().digest != row.digest


def test_rights_over_everything_are_set_right_and_written_down(apply: Apply) -> None:
    apply(EXAMPLE)
    group = Group.objects.get(name="support")
    group.permissions.clear()
    apply(EXAMPLE)
    assert list(group.permissions.values_list("codename", flat=True)) == ["freeze_everyone"]
    apply(EXAMPLE)
    told = [entry["data"] for entry in entries("inventory.rights.changed") if entry["data"]["group"] == "support"]
    assert told == [{"group": "support", "before": [], "after": ["freeze_everyone"]}] * 2
