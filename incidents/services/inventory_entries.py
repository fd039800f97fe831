"""What the audit log keeps of an applied inventory; not the values of settings, for a secret may stand there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from incidents.audit.log import Actor, Entry
from incidents.domain.canonical import Json, JsonObject
from incidents.inventory.diff import KINDS, KindDiff
from incidents.inventory.document import Inventory
from incidents.services.inventory_kinds import Fields
from incidents.services.inventory_plan import Comparison

# An entry holds at most 65,535 bytes.
NAMES_IN_AN_ENTRY = 200
# There are many of these, and they belong to one organization each.
BATCHED = ("resource", "binding", "watch")


def entries(inventory: Inventory, comparison: Comparison, revision: int, actor: Actor) -> list[Entry]:
    """One entry a change, for resources one a batch, and one for the file as a whole at the end."""
    found = [entry for kind in KINDS for entry in _of_kind(comparison, kind, actor)]
    counts: dict[str, Json] = dict(comparison.diff.count())
    data: JsonObject = {"digest": inventory.digest, "revision": revision, **counts}
    return [*found, Entry("inventory.applied", actor, data=data)]


def _of_kind(comparison: Comparison, kind: str, actor: Actor) -> Iterator[Entry]:
    diff = comparison.diff.kinds[kind]
    if kind in BATCHED:
        yield from _batched(comparison, diff, actor)
        return
    for verb, names in (("added", diff.added), ("changed", tuple(diff.changed)), ("removed", diff.removed)):
        for name in names:
            data: dict[str, Json] = {"name": name}
            if verb == "changed":
                data["fields"] = list(diff.changed[name])
            if kind == "preapproval":
                data |= _agreed(comparison, name)
            organization = _organization(comparison, kind, name)
            yield Entry(f"inventory.{kind}.{verb}", actor, organization=organization, data=data)
            if kind == "preapproval":
                yield from _coverage(comparison, name, organization, actor)


def _batched(comparison: Comparison, diff: KindDiff, actor: Actor) -> Iterator[Entry]:
    for verb, names in (("added", diff.added), ("changed", tuple(diff.changed)), ("removed", diff.removed)):
        by_organization: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_organization[_organization(comparison, diff.kind, name)].append(name)
        for organization, owned in by_organization.items():
            for batch in _batches(owned):
                data: dict[str, Json] = {"names": batch}
                if verb == "changed":
                    data = {"fields": {name: list(diff.changed[name]) for name in batch}}
                yield Entry(f"inventory.{diff.kind}.{verb}", actor, organization=organization, data=data)


def _coverage(comparison: Comparison, name: str, organization: str, actor: Actor) -> Iterator[Entry]:
    """Which resources a preapproval covers from now on, and which it does not any more."""
    before = _set(comparison.present["preapproval"].get(name, {}).get("resources"))
    after = _set(comparison.wanted["preapproval"].get(name, {}).get("resources"))
    for event, resources in (("covered", after - before), ("uncovered", before - after)):
        for batch in _batches(sorted(resources)):
            data: JsonObject = {"name": name, "resources": batch}
            yield Entry(f"inventory.preapproval.{event}", actor, organization=organization, data=data)


def _agreed(comparison: Comparison, name: str) -> dict[str, Json]:
    before = comparison.present["preapproval"].get(name, {})
    after = comparison.wanted["preapproval"].get(name, {})
    data: dict[str, Json] = {"digest_before": str(before.get("digest", "")), "digest": str(after.get("digest", ""))}
    if after:
        terms = after["terms"]
        data["action"] = str(after["action"])
        data["groups"] = [
            group.removesuffix(" use_preapproval")
            for group in sorted(_set(after["groups"]))
            if group.endswith(" use_preapproval")
        ]
        data["approvers"] = [
            group.removesuffix(" approve_preapproval")
            for group in sorted(_set(after["groups"]))
            if group.endswith(" approve_preapproval")
        ]
        data["terms"] = terms if isinstance(terms, dict) else {}
    return data


def _organization(comparison: Comparison, kind: str, name: str) -> str:
    if kind == "organization":
        return name
    if kind == "preapproval":
        return str(_fields(comparison, kind, name)["organization"])
    if kind in BATCHED:
        return str(_fields(comparison, "resource", name.partition(" ")[0])["organization"])
    return ""


def _fields(comparison: Comparison, kind: str, name: str) -> Fields:
    wanted = comparison.wanted[kind]
    return wanted[name] if name in wanted else comparison.present[kind][name]


def _set(value: object) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), NAMES_IN_AN_ENTRY):
        yield list(names[start : start + NAMES_IN_AN_ENTRY])
