"""What keeps a file from being applied, though nothing in the file itself is wrong: only the tables show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Q, QuerySet

from incidents.domain.errors import InventoryFault
from incidents.domain.runs import Phase
from incidents.inventory.document import Inventory
from incidents.models import Organization, Run
from incidents.services.inventory_kinds import SPECS, Fields
from incidents.services.inventory_plan import Comparison
from incidents.services.inventory_roles import role_faults

# How a run leads to what it uses.
USES = {
    "location": "targets__location",
    "probe": "readings__probe",
    "organization": "organization",
    "resource": "targets__resource",
    "binding": "targets__binding",
    "watch": "readings__point",
    "preapproval": "plan__preapproval",
}
# What the record of an ended run cannot do without.
RECORDED = ("location", "organization", "resource")


def obstacles(inventory: Inventory, comparison: Comparison) -> list[InventoryFault]:
    faults = [*_moved(inventory, comparison), *_taken(inventory, comparison), *role_faults(inventory)]
    blocked = dict(_recorded(comparison)) | dict(_needed(comparison)) | dict(_live(comparison))
    for index, removal in enumerate(inventory.remove):
        message = blocked.get((removal.kind, removal.name))
        if message:
            faults.append(inventory.fault(f"{removal.kind} {removal.name} cannot go: {message}", f"remove[{index}]"))
    return sorted(faults, key=lambda fault: fault.line)


def _moved(inventory: Inventory, comparison: Comparison) -> Iterator[InventoryFault]:
    """With a resource its history would go to another organization, which must not read it."""
    for i, organization in enumerate(inventory.organizations):
        for j, resource in enumerate(organization.resources):
            there = comparison.present["resource"].get(resource.name)
            if there and there["organization"] != organization.name:
                message = (
                    f"{resource.name} belongs to organization {there['organization']} so far; "
                    f"name `resource {resource.name}` under remove in one change, and add it here in the next"
                )
                yield inventory.fault(message, f"organizations[{i}].resources[{j}].name")


def _taken(inventory: Inventory, comparison: Comparison) -> Iterator[InventoryFault]:
    """A row that has left the file, but not the tables, still holds its key."""
    there = comparison.present["binding"]
    extra = {(there[name]["backend"], there[name]["key"]): name for name in comparison.diff.kinds["binding"].extra}
    for i, organization in enumerate(inventory.organizations):
        for j, resource in enumerate(organization.resources):
            for k, binding in enumerate(resource.bindings):
                owner = extra.get((binding.backend, binding.key))
                if owner:
                    message = f"the key is held by `binding {owner}`, which has left the file; name it under remove"
                    yield inventory.fault(message, f"organizations[{i}].resources[{j}].bindings[{k}].key")


def _needed(comparison: Comparison) -> Iterator[tuple[tuple[str, str], str]]:
    """What would be left over refers to something that is to go."""
    users = _hearing(comparison)
    for kind, field in (("binding", "backend"), ("resource", "organization"), ("preapproval", "organization")):
        for name, fields in _left(comparison, kind):
            users[field, str(fields[field])].append(f"{kind} {name}")
    for name, _ in _left(comparison, "binding"):
        users["location", name.split(" ")[1]].append(f"binding {name}")
    for name, _ in _left(comparison, "watch"):
        users["location", name.split(" ")[1]].append(f"watch {name}")
        users["probe", name.split(" ")[2]].append(f"watch {name}")
    for name, fields in _left(comparison, "preapproval"):
        for resource in _names(fields["resources"]):
            users["resource", resource].append(f"preapproval {name}")
    for kind, diff in comparison.diff.kinds.items():
        for name in diff.removed:
            found = users.get((kind, name))
            if found:
                more = f" and {len(found) - 1} more" if len(found) > 1 else ""
                yield (kind, name), f"`{found[0]}`{more} would be left without it; name what uses it under remove too"


def _hearing(comparison: Comparison) -> dict[tuple[str, str], list[str]]:
    """Channels, each with the routes that lead to it."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, fields in _left(comparison, "notify"):
        channels = fields["channels"]
        for channel in channels if isinstance(channels, list) else ():
            users["channel", channel].append(f"notify {name}")
    return users


def _left(comparison: Comparison, kind: str) -> Iterator[tuple[str, Fields]]:
    """What will be there, without what goes because its prefix goes, and without what only the record keeps."""
    prefixes = comparison.diff.kinds["resource"].removed
    gone = SPECS[kind].gone
    for name, fields in comparison.after(kind).items():
        if kind in ("binding", "watch") and name.partition(" ")[0] in prefixes:
            continue
        if gone is None or fields[gone[0]] != gone[1]:
            yield name, fields


def _names(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _live(comparison: Comparison) -> Iterator[tuple[tuple[str, str], str]]:
    for kind, lookup in USES.items():
        for name, reference in _runs(comparison, kind, lookup, Run.objects.exclude(phase=Phase.ENDED)):
            yield (kind, name), f"run {reference} is using it; wait until that run has ended, or stop it"


def _recorded(comparison: Comparison) -> Iterator[tuple[tuple[str, str], str]]:
    for kind in RECORDED:
        for name, reference in _runs(comparison, kind, USES[kind], Run.objects.all()):
            yield (kind, name), f"the record of run {reference} refers to it, and records are kept"
    names = comparison.diff.kinds["organization"].removed
    noted = Organization.objects.filter(
        Q(incidents__isnull=False) | Q(plans__isnull=False) | Q(consents__isnull=False) | Q(freezes__isnull=False),
        slug__in=names,
    )
    for name in noted.values_list("slug", flat=True).distinct() if names else ():
        yield (
            ("organization", name),
            "records of incidents, plans, consents or freezes refer to it, and records are kept",
        )


def _runs(comparison: Comparison, kind: str, lookup: str, runs: QuerySet[Run]) -> Iterator[tuple[str, str]]:
    """Names that are to go, each with the reference of a run that uses it."""
    names = {comparison.ids[kind][name]: name for name in comparison.diff.kinds[kind].removed}
    if names:
        for pk, reference in runs.filter(**{f"{lookup}__in": names}).values_list(lookup, "reference").distinct():
            yield names[pk], reference
