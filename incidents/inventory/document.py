"""What one inventory file says, once nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from incidents.domain.canonical import JsonObject
from incidents.domain.errors import InventoryFault
from incidents.domain.on_call import Shift, Turns
from incidents.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class LocationEntry:
    name: str
    title: str
    zone: str
    staging: bool


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """`settings` hold secrets only as references."""

    name: str
    kind: str
    budget_ms: int
    every_seconds: int
    slots: int
    settings: JsonObject


@dataclass(frozen=True, slots=True)
class ProbeEntry:
    name: str
    kind: str
    budget_ms: int
    settings: JsonObject


@dataclass(frozen=True, slots=True)
class BindingEntry:
    """`key` is in the one form that its backend's adapter knows."""

    location: str
    backend: str
    aspect: str
    key: str


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """`address` is `host:port` for probes that connect, and empty for the others."""

    probe: str
    location: str
    address: str


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    kind: str
    name: str
    title: str
    settings: JsonObject
    bindings: tuple[BindingEntry, ...]
    watch: tuple[WatchEntry, ...]


@dataclass(frozen=True, slots=True)
class OrganizationEntry:
    name: str
    title: str
    resources: tuple[ResourceEntry, ...]


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """`password` is the reference to it, `groups` are names such as `example-shop/operators`.

    `identity` is equal for two entries that are the same human; the name where the file says nothing.
    `company_id` is the subject that the company's sign-in gives; empty for somebody who has none.
    """

    name: str
    title: str
    identity: str
    password: str
    groups: tuple[str, ...]
    company_id: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class RotaEntry:
    """Who is on call when; or, with `settings`, where that is asked."""

    name: str
    turns: Turns | None
    shifts: tuple[Shift, ...]
    settings: JsonObject


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """One way out; `settings` hold secrets only as references."""

    name: str
    kind: str
    settings: JsonObject


@dataclass(frozen=True, slots=True)
class NotifyEntry:
    """Who is told what. `organizations` and `kinds` are names, never a rule: `every organization` is written out."""

    name: str
    organizations: tuple[str, ...]
    platform: bool
    kinds: tuple[str, ...]
    severity: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreapprovalEntry:
    """`resources` are names, never a rule: `every prefix` has been written out.

    `groups` may run it; `approvers` may be the second person where one is asked for.
    """

    name: str
    action: str
    organization: str
    resources: tuple[str, ...]
    groups: tuple[str, ...]
    approvers: tuple[str, ...]
    terms: Terms

    def as_json(self) -> JsonObject:
        """What was agreed, in the form whose digest names it: nothing in it depends on the order of lists."""
        return {
            "slug": self.name,
            "action": self.action,
            "organization": self.organization,
            "resources": sorted(self.resources),
            "groups": sorted(self.groups),
            "approvers": sorted(self.approvers),
            "terms": self.terms.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing that is named to go: `kind` is a word of `diff.KINDS`, `name` what the plan calls it."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The whole file.

    Args:
        digest: SHA-256 of the file's bytes, so that anybody can hold the audit log against Git.
        lines: the line of every path in the file, for faults that only the database shows.
    """

    digest: str
    locations: tuple[LocationEntry, ...]
    backends: tuple[BackendEntry, ...]
    probes: tuple[ProbeEntry, ...]
    organizations: tuple[OrganizationEntry, ...]
    people: tuple[PersonEntry, ...]
    rotas: tuple[RotaEntry, ...]
    preapprovals: tuple[PreapprovalEntry, ...]
    remove: tuple[Removal, ...]
    channels: tuple[ChannelEntry, ...] = ()
    notify: tuple[NotifyEntry, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def fault(self, message: str, path: str) -> InventoryFault:
        return InventoryFault(message, path=path, line=self.lines.get(path, 0))


def binding_name(resource: str, location: str, aspect: str) -> str:
    """What plans, the audit log and `remove` call a binding."""
    return f"{resource} {location} {aspect}"


def watch_name(resource: str, location: str, probe: str) -> str:
    """What plans, the audit log and `remove` call a watch."""
    return f"{resource} {location} {probe}"
