"""What goes when it is named, and what stands in the way. Nothing goes that is not named."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.utils import timezone

from incidents.domain.errors import InventoryFault
from incidents.domain.runs import Outcome, Phase, Step
from incidents.inventory.document import Inventory
from incidents.models import (
    Backend,
    Binding,
    CallerConsent,
    Freeze,
    Incident,
    InventoryRevision,
    Location,
    Organization,
    Person,
    Plan,
    Preapproval,
    Resource,
    Run,
)
from incidents.services import inventory as service
from tests.inventory.conftest import EXAMPLE, Apply, Reader, entries, replaced

pytestmark = pytest.mark.django_db

BANK = EXAMPLE[EXAMPLE.index("  - name: bank") : EXAMPLE.index("people:")]
PREFIX = EXAMPLE[EXAMPLE.index("      - kind: prefix\n        name: 2001") : EXAMPLE.index("  - name: bank")]
PREAPPROVAL = EXAMPLE[EXAMPLE.index("  - name: shop-readvertise") :]
BOB = next(line for line in EXAMPLE.splitlines(keepends=True) if "name: bob" in line)
SERVICE = next(line for line in EXAMPLE.splitlines(keepends=True) if "aspect: service" in line)
WATCH = next(line for line in EXAMPLE.splitlines(keepends=True) if "probe: tcp" in line)


def without(*parts: str, remove: str, text: str = EXAMPLE) -> str:
    for part in parts:
        text = replaced(part, "", text)
    text = text.replace("preapprovals:\n", "preapprovals: []\n") if PREAPPROVAL in parts else text
    return f"{text}remove: [{remove}]\n"


def refusals(inventory: Inventory) -> list[tuple[str, int, str]]:
    """What `apply` says; it must have changed nothing, and `plan` must say the same."""
    revisions = InventoryRevision.objects.count()
    with pytest.raises(ExceptionGroup) as applied:
        service.apply(inventory, by="engineer")
    with pytest.raises(ExceptionGroup) as planned:
        service.plan(inventory)
    assert [str(fault) for fault in planned.value.exceptions] == [str(fault) for fault in applied.value.exceptions]
    assert InventoryRevision.objects.count() == revisions
    faults = [fault for fault in applied.value.exceptions if isinstance(fault, InventoryFault)]
    return [(fault.path, fault.line, fault.message) for fault in faults]


def start_run(phase: Phase) -> Run:
    """A run of alice's on one prefix, far enough for what refers to what."""
    now = timezone.now()
    shop, alice = Organization.objects.get(slug="shop"), Person.objects.get(username="alice")
    plan = Plan.objects.create(
        digest="0" * 64,
        body=b"{}",
        action="readvertise_prefix",
        organization=shop,
        preapproval=Preapproval.objects.get(),
        proposed_by=alice,
        findings=[],
        proposed_at=now,
        expires_at=now,
    )
    run = Run.objects.create(
        reference="RUN-1",
        organization=shop,
        incident=Incident.objects.create(organization=shop, opened_at=now),
        plan=plan,
        action=plan.action,
        started_by=alice,
        idempotency_key="k",
        request_digest="0" * 64,
        phase=phase,
        outcome=Outcome.SUCCEEDED if phase is Phase.ENDED else "",
        accepted_at=now,
        stage_began_at=now,
        deadline_at=now,
        wake_at=now,
        lease_until=now,
    )
    binding = Binding.objects.get(aspect="service")
    run.targets.create(
        up=True,
        index=0,
        stage=0,
        resource=Resource.objects.get(name="2001:db8::/32"),
        location=binding.location,
        binding=binding,
        step=Step.VERIFIED,
        changed_at=now,
    )
    return run


def test_a_prefix_goes_with_its_bindings_and_watches(apply: Apply) -> None:
    apply(EXAMPLE)
    diff = apply(without(PREFIX, remove="'resource 2001:db8::/32'"))
    assert (diff.kinds["resource"].removed, diff.kinds["binding"].extra) == (("2001:db8::/32",), ())
    assert not Binding.objects.filter(key="2001:db8::/32").exists()
    assert [row.name for row in Preapproval.objects.get().resources.all()] == ["203.0.113.0/24"]
    assert entries("inventory.resource.removed")[0]["data"] == {"names": ["2001:db8::/32"]}


def test_a_removal_is_done_once(apply: Apply) -> None:
    apply(EXAMPLE)
    text = without(SERVICE, WATCH, remove="binding 203.0.113.0/24 edge-a service, watch 203.0.113.0/24 edge-a tcp")
    assert apply(text).count() == {"added": 0, "changed": 0, "removed": 2}
    again = apply(text)
    assert again.is_empty
    assert again.kinds["binding"].absent == ("203.0.113.0/24 edge-a service",)


def test_an_organization_goes_when_nothing_of_it_is_left(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    (fault,) = refusals(inventory(without(BANK, remove="organization bank")))
    assert fault[0] == "remove[0]"
    assert "`resource 198.51.100.0/24` would be left without it" in fault[2]
    apply(without(BANK, remove="organization bank, resource 198.51.100.0/24"))
    assert not Organization.objects.filter(slug="bank").exists()
    assert not Group.objects.filter(name__startswith="bank/").exists()


def test_locations_backends_and_probes_go_when_nothing_refers_to_them(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    registry = next(line for line in EXAMPLE.splitlines(keepends=True) if "name: registry" in line)
    text = without(SERVICE, registry, remove="backend registry")
    (fault,) = refusals(inventory(text))
    assert (fault[0], fault[1]) == ("remove[0]", len(text.splitlines()))
    assert "`binding 203.0.113.0/24 edge-a service` would be left without it" in fault[2]
    apply(text.replace("backend registry]", "backend registry, binding 203.0.113.0/24 edge-a service]"))
    assert not Backend.objects.filter(slug="registry").exists()


def test_a_person_cannot_sign_in_any_more_and_comes_back(apply: Apply) -> None:
    apply(EXAMPLE)
    assert apply(without(BOB, remove="person bob")).kinds["person"].removed == ("bob",)
    bob = Person.objects.get(username="bob")
    assert (bob.is_active, bob.groups.count()) == (False, 0)
    assert authenticate(username="bob", password="secret of bob") is None
    later = apply(without(BOB, remove="person bob"))
    assert (later.is_empty, later.kinds["person"].absent) == (True, ("bob",))
    assert apply(EXAMPLE).kinds["person"].changed == {"bob": ("active", "groups")}
    assert authenticate(username="bob", password="secret of bob") == bob


def test_nothing_goes_that_a_live_run_uses(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    start_run(Phase.RUNNING)
    named = "preapproval shop-readvertise, 'resource 2001:db8::/32', binding 203.0.113.0/24 edge-a service"
    found = refusals(inventory(without(PREAPPROVAL, PREFIX, SERVICE, remove=named)))
    assert [path for path, _, _ in found] == ["remove[0]", "remove[1]", "remove[2]"]
    assert all("run RUN-1 is using it; wait until that run has ended" in message for _, _, message in found)


def test_what_the_record_of_a_run_needs_is_kept(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    start_run(Phase.ENDED)
    (fault,) = refusals(inventory(without(PREFIX, remove="'resource 2001:db8::/32'")))
    assert "the record of run RUN-1 refers to it" in fault[2]


@pytest.mark.parametrize("record", ["incident", "consent", "freeze"])
def test_an_organization_with_a_record_is_kept(apply: Apply, inventory: Reader, record: str) -> None:
    apply(EXAMPLE)
    bank, staff, now = Organization.objects.get(slug="bank"), Person.objects.get(username="alice"), timezone.now()
    if record == "incident":
        Incident.objects.create(organization=bank, opened_at=now)
    elif record == "consent":
        CallerConsent.objects.create(organization=bank, staff=staff, began_at=now, expires_at=now, ended_at=now)
    else:
        Freeze.objects.create(scope="organization", organization=bank, by=staff, since=now, lifted_at=now)
    (fault,) = refusals(inventory(without(BANK, remove="organization bank, resource 198.51.100.0/24")))
    assert "records of incidents, plans" in fault[2]


def test_a_preapproval_with_a_record_is_emptied_and_comes_back(apply: Apply) -> None:
    apply(EXAMPLE)
    start_run(Phase.ENDED)
    alice = Person.objects.get(username="alice")
    assert apply(without(PREAPPROVAL, remove="preapproval shop-readvertise")).count()["removed"] == 1
    row = Preapproval.objects.get()
    assert (row.digest, row.resources.count(), alice.has_perm("incidents.use_preapproval", row)) == ("", 0, False)
    later = apply(without(PREAPPROVAL, remove=""))
    assert (later.is_empty, later.kinds["preapproval"].extra) == (True, ())
    assert apply(EXAMPLE).kinds["preapproval"].changed == {"shop-readvertise": ("digest", "resources", "groups")}
    assert Preapproval.objects.get().resources.count() == 2


def test_a_prefix_does_not_move_to_another_organization(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    moved = replaced("  - name: bank\n    title: Example Bank\n    resources:\n", "", EXAMPLE)
    (fault,) = refusals(inventory(moved))
    assert "198.51.100.0/24 belongs to organization bank so far" in fault[2]


def test_a_key_that_a_forgotten_binding_holds_is_a_clear_fault(apply: Apply, inventory: Reader) -> None:
    apply(EXAMPLE)
    moved = replaced("edge-a, backend: registry", "edge-b, backend: registry")
    (fault,) = refusals(inventory(moved))
    assert fault[0] == "organizations[0].resources[0].bindings[2].key"
    assert "`binding 203.0.113.0/24 edge-a service`, which has left the file" in fault[2]
    apply(f"{moved}remove: [binding 203.0.113.0/24 edge-a service]\n")
    assert Location.objects.get(binding__aspect="service").slug == "edge-b"
