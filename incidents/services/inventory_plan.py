"""Compares an inventory with the tables: what is to be made, changed and removed, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.domain.canonical import digest
from incidents.domain.people import rights_of, users_of
from incidents.engine.seals import seal_preapproval
from incidents.inventory.diff import KINDS, InventoryDiff, KindDiff
from incidents.inventory.document import (
    BackendEntry,
    ChannelEntry,
    Inventory,
    NotifyEntry,
    PersonEntry,
    PreapprovalEntry,
    ProbeEntry,
    RotaEntry,
    binding_name,
    watch_name,
)
from incidents.services.inventory_kinds import LINKS, SPECS, Fields, Ids, Rows, load, load_link, load_rights
from incidents.services.inventory_passwords import Hashes


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides, by kind and name, and their difference.

    Args:
        ids: primary keys of what is there, by kind and name; also of `group` and `permission`.
        links: primary keys of the rows behind `LINKS`, in their order, by owner and value.
    """

    wanted: Mapping[str, Rows]
    present: Mapping[str, Rows]
    ids: dict[str, Ids]
    links: tuple[Mapping[tuple[str, str], object], ...]
    diff: InventoryDiff

    def after(self, kind: str) -> Rows:
        """What there will be: what is there and not removed, as the file has it where it is in the file."""
        removed = self.diff.kinds[kind].removed
        kept = {name: fields for name, fields in self.present[kind].items() if name not in removed}
        return kept | self.wanted[kind]


def compare(inventory: Inventory, hashes: Mapping[str, Hashes]) -> Comparison:
    wanted = _wanted(inventory, hashes)
    present: dict[str, Rows] = {}
    ids: dict[str, Ids] = load_rights()
    for kind in KINDS:
        present[kind], ids[kind] = load(SPECS[kind])
    links = tuple(load_link(link) for link in LINKS)
    for link, rows in zip(LINKS, links, strict=True):
        _fill(present[link.kind], link.field, rows)
    named: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for removal in inventory.remove:
        if removal.kind in named:
            named[removal.kind].append(removal.name)
    kinds = {kind: _differences(kind, wanted[kind], present[kind], named[kind]) for kind in KINDS}
    for part in ("binding", "watch"):
        kinds[part] = _without_parts(kinds[part], frozenset(kinds["resource"].removed))
    return Comparison(wanted, present, ids, links, InventoryDiff(inventory.digest, kinds))


def _fill(rows: Rows, field: str, links: Mapping[tuple[str, str], object]) -> None:
    found: dict[str, set[str]] = {name: set() for name in rows}
    for owner, value in links:
        found[owner].add(value)
    for name, values in found.items():
        rows[name][field] = frozenset(values)


def _differences(kind: str, wanted: Rows, present: Rows, named: list[str]) -> KindDiff:
    gone = SPECS[kind].gone
    there = {name for name, fields in present.items() if gone is None or fields[gone[0]] != gone[1]}
    changed: dict[str, tuple[str, ...]] = {}
    for name in wanted.keys() & present.keys():
        fields = tuple(field for field, value in wanted[name].items() if present[name][field] != value)
        if fields:
            changed[name] = fields
    return KindDiff(
        kind=kind,
        added=tuple(name for name in wanted if name not in present),
        changed=dict(sorted(changed.items())),
        removed=tuple(name for name in named if name in there),
        absent=tuple(name for name in named if name not in there),
        extra=tuple(sorted(there - wanted.keys() - set(named))),
        unchanged=len(wanted.keys() & present.keys()) - len(changed),
    )


def _without_parts(diff: KindDiff, resources: frozenset[str]) -> KindDiff:
    """Bindings and watches of a resource go with it; they are not left over."""
    extra = tuple(name for name in diff.extra if name.partition(" ")[0] not in resources)
    return KindDiff(diff.kind, diff.added, diff.changed, diff.removed, diff.absent, extra, diff.unchanged)


def _wanted(inventory: Inventory, hashes: Mapping[str, Hashes]) -> dict[str, Rows]:
    return {
        "location": {
            entry.name: {"title": entry.title, "zone": entry.zone, "staging": entry.staging, "position": position}
            for position, entry in enumerate(inventory.locations)
        },
        "backend": {entry.name: _alike("backend", entry) for entry in inventory.backends},
        "probe": {entry.name: _alike("probe", entry) for entry in inventory.probes},
        "organization": {
            entry.name: {
                "title": entry.title,
                "rights": frozenset(f"{group} {right}" for group, right in rights_of(entry.name)),
            }
            for entry in inventory.organizations
        },
        "person": {entry.name: _person(entry, hashes[entry.name]) for entry in inventory.people},
        "rota": {entry.name: _rota(entry) for entry in inventory.rotas},
        "preapproval": {
            entry.name: {
                "action": entry.action,
                "organization": entry.organization,
                "terms": entry.terms.as_json(),
                "digest": digest(entry.as_json()),
                "seal": _seal(entry),
                "resources": frozenset(entry.resources),
                "groups": frozenset(
                    [f"{group} use_preapproval" for group in users_of(entry.groups)]
                    + [f"{group} approve_preapproval" for group in entry.approvers]
                ),
            }
            for entry in inventory.preapprovals
        },
        "channel": {entry.name: _alike("channel", entry) for entry in inventory.channels},
        "notify": {entry.name: _notify(entry) for entry in inventory.notify},
        **_wanted_resources(inventory),
    }


def _alike(kind: str, entry: BackendEntry | ProbeEntry | ChannelEntry) -> Fields:
    """The fields of an entry whose columns bear the same names."""
    return {field: getattr(entry, field) for field in SPECS[kind].fields}


def _seal(entry: PreapprovalEntry) -> str:
    agreed = digest(entry.as_json())
    return seal_preapproval(entry.name, entry.action, entry.organization, entry.terms.as_json(), agreed)


def _person(entry: PersonEntry, hashed: Hashes) -> Fields:
    return {
        "title": entry.title,
        "identity": entry.identity,
        "company_id": entry.company_id,
        "mail": entry.mail,
        "password": hashed.password,
        "first_password": hashed.first,
        "active": True,
        "groups": frozenset(entry.groups),
    }


def _notify(entry: NotifyEntry) -> Fields:
    return {
        "organizations": sorted(entry.organizations),
        "platform": entry.platform,
        "kinds": sorted(entry.kinds),
        "severity": entry.severity,
        "channels": sorted(entry.channels),
    }


def _rota(entry: RotaEntry) -> Fields:
    return {
        "turns": entry.turns.as_json() if entry.turns else {},
        "shifts": [shift.as_json() for shift in entry.shifts],
        "settings": entry.settings,
    }


def _wanted_resources(inventory: Inventory) -> dict[str, Rows]:
    found: dict[str, Rows] = {"resource": {}, "binding": {}, "watch": {}}
    for organization in inventory.organizations:
        for position, entry in enumerate(organization.resources):
            found["resource"][entry.name] = {
                "organization": organization.name,
                "kind": entry.kind,
                "title": entry.title,
                "settings": entry.settings,
                "position": position,
            }
            for binding in entry.bindings:
                name = binding_name(entry.name, binding.location, binding.aspect)
                found["binding"][name] = {"backend": binding.backend, "key": binding.key}
            for watch in entry.watch:
                found["watch"][watch_name(entry.name, watch.location, watch.probe)] = {"address": watch.address}
    return found
