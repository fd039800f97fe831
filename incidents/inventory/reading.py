"""One inventory file: its text in, an `Inventory` or every fault in it out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

import yaml

from incidents.domain.canonical import JsonObject
from incidents.domain.decide import MOST_BUDGET
from incidents.domain.errors import InventoryFault
from incidents.domain.kinds import ASPECTS, Kind
from incidents.inventory.checks import check
from incidents.inventory.document import (
    BackendEntry,
    BindingEntry,
    Inventory,
    LocationEntry,
    OrganizationEntry,
    PersonEntry,
    ProbeEntry,
    Removal,
    ResourceEntry,
    WatchEntry,
)
from incidents.inventory.nodes import Fields, Node, Sheet, whole
from incidents.inventory.notify import read_channel, read_mail, read_notify
from incidents.inventory.preapprovals import read_preapproval
from incidents.inventory.rotas import read_rota
from incidents.inventory.rules import Rules

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML was built without libyaml; the same, ten times slower
    from yaml import SafeLoader as Loader  # type: ignore[assignment]


class _Mark(Protocol):
    """A place in the text; PyYAML's two loaders have a class each."""

    @property
    def line(self) -> int: ...


# (name of a backend, key) -> the form of the key that its adapter knows.
Normalize = Callable[[str, str], str]

VERSION = 1
# The schema nests 7 deep. The C loader recurses without a limit of its own, and would crash the process.
DEEPEST = 30
SECTIONS = ("locations", "backends", "probes", "organizations", "people", "preapprovals")
OPTIONAL = ("rotas", "channels", "notify", "remove")


def read(text: str, rules: Rules) -> Inventory | list[InventoryFault]:
    """What the file says, or every fault in it, in the order of its lines.

    A file that is no YAML at all, or that uses aliases, is not read further: the faults tell of that alone.
    """
    faults = _malformed(text)
    if faults:
        return faults
    sheet = Sheet()
    inventory = _read_document(sheet, yaml.compose(text, Loader=Loader), text, rules)
    check(sheet, inventory, rules)
    if sheet.faults:
        return sorted(sheet.faults, key=lambda fault: fault.line)
    return inventory


def _malformed(text: str) -> list[InventoryFault]:
    """What keeps the text from being one YAML document that says everything where it is read."""
    aliases: list[InventoryFault] = []
    depth = documents = 0
    try:
        for event in yaml.parse(text, Loader=Loader):
            documents += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            line = _line(event.start_mark)
            if depth > DEEPEST:
                return [InventoryFault(f"is nested more than {DEEPEST} deep", line=line)]
            if documents > 1:
                return [InventoryFault("holds a second document; write one, without a line ---", line=line)]
            if isinstance(event, yaml.AliasEvent):
                message = f"the alias *{event.anchor} is not allowed; write it out, so that a reviewer reads it there"
                aliases.append(InventoryFault(message, line=line))
    except yaml.MarkedYAMLError as error:
        return [InventoryFault(f"is no YAML: {error.problem}", line=_line(error.problem_mark or error.context_mark))]
    except yaml.YAMLError as error:
        place = getattr(error, "position", 0)
        return [InventoryFault("is no YAML: it holds a control character", line=text.count("\n", 0, place) + 1)]
    if not documents:
        return [InventoryFault("is empty; it must hold version: 1 and the sections", line=1)]
    return aliases


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 0


def _read_document(sheet: Sheet, node: Node | None, text: str, rules: Rules) -> Inventory:
    fields = Fields(sheet, node, "", ("version", *SECTIONS, *OPTIONAL))
    if fields.integer("version", 1, 2**31) != VERSION:
        fields.fault("version", f"must be {VERSION}; this console knows no other")
    locations = tuple(_read_location(sheet, *item) for item in fields.items("locations"))
    backends = tuple(_read_backend(sheet, *item) for item in fields.items("backends"))
    probes = tuple(_read_probe(sheet, *item) for item in fields.items("probes"))
    normalize = _normalizer(backends, rules)
    organizations = tuple(_read_organization(sheet, *item, normalize) for item in fields.items("organizations"))
    people = tuple(_read_person(sheet, *item) for item in fields.items("people"))
    rotas = tuple(read_rota(sheet, *item) for item in fields.items("rotas", optional=True))
    preapprovals = tuple(read_preapproval(sheet, *item, organizations) for item in fields.items("preapprovals"))
    channels = tuple(read_channel(sheet, *item) for item in fields.items("channels", optional=True))
    notify = tuple(read_notify(sheet, *item, organizations) for item in fields.items("notify", optional=True))
    named = fields.texts("remove", longest=250, optional=True)
    return Inventory(
        digest=hashlib.sha256(text.encode()).hexdigest(),
        locations=locations,
        backends=backends,
        probes=probes,
        organizations=organizations,
        people=people,
        rotas=rotas,
        preapprovals=preapprovals,
        remove=tuple(Removal(*item.partition(" ")[::2]) for item in named),
        channels=channels,
        notify=notify,
        lines=sheet.lines,
    )


def _read_location(sheet: Sheet, node: Node, path: str) -> LocationEntry:
    fields = Fields(sheet, node, path, ("name", "title", "zone", "staging"))
    return LocationEntry(
        name=fields.slug("name"),
        title=fields.text("title"),
        zone=fields.text("zone", default="", longest=50),
        staging=fields.flag("staging"),
    )


def _read_backend(sheet: Sheet, node: Node, path: str) -> BackendEntry:
    fields = Fields(sheet, node, path, ("name", "kind", "budget_seconds", "every_seconds", "slots", "settings"))
    return BackendEntry(
        name=fields.slug("name"),
        kind=fields.text("kind", longest=30),
        budget_ms=fields.thousandths("budget_seconds", 50, MOST_BUDGET // timedelta(milliseconds=1), default=3000),
        every_seconds=fields.integer("every_seconds", 0, 3600, default=0),
        slots=fields.integer("slots", 1, 64, default=4),
        settings=fields.json("settings"),
    )


def _read_probe(sheet: Sheet, node: Node, path: str) -> ProbeEntry:
    fields = Fields(sheet, node, path, ("name", "kind", "budget_seconds", "settings"))
    return ProbeEntry(
        name=fields.slug("name"),
        kind=fields.text("kind", longest=20),
        budget_ms=fields.thousandths("budget_seconds", 50, MOST_BUDGET // timedelta(milliseconds=1), default=2000),
        settings=fields.json("settings"),
    )


def _read_organization(sheet: Sheet, node: Node, path: str, normalize: Normalize) -> OrganizationEntry:
    fields = Fields(sheet, node, path, ("name", "title", "resources"))
    items = fields.items("resources", empty="nothing never means everything; name the organization's resources")
    return OrganizationEntry(
        name=fields.slug("name"),
        title=fields.text("title"),
        resources=tuple(_read_resource(sheet, *item, normalize) for item in items),
    )


def _read_resource(sheet: Sheet, node: Node, path: str, normalize: Normalize) -> ResourceEntry:
    fields = Fields(sheet, node, path, ("kind", "name", "title", "settings", "bindings", "watch"))
    kind = fields.choice("kind", tuple(Kind))
    bindings = fields.items("bindings", empty="say where the resource lives, and in which backend")
    aspects = ASPECTS.get(Kind(kind), ()) if kind else ()
    return ResourceEntry(
        kind=kind,
        # The name of a prefix is the prefix; the others have a name of ours, which stands in addresses and messages.
        name=fields.text("name") if kind in ("", Kind.PREFIX) else fields.slug("name"),
        title=fields.text("title", default=""),
        settings=_read_settings(sheet, fields, kind),
        bindings=tuple(_read_binding(sheet, *item, aspects, normalize) for item in bindings),
        watch=tuple(_read_watch(sheet, *item) for item in fields.items("watch")),
    )


def _read_settings(sheet: Sheet, fields: Fields, kind: str) -> JsonObject:
    if kind != Kind.PREFIX:
        if kind and fields.has("settings"):
            fields.fault("settings", f"a {kind} has no settings; leave them out")
        return {}
    settings = Fields(sheet, fields.node("settings"), fields.at("settings"), ("origins",))
    origins = settings.items("origins", empty="name the AS numbers that may originate the prefix")
    return {"origins": [whole(sheet, item, place, 1, 2**32 - 2) for item, place in origins]}


def _read_binding(sheet: Sheet, node: Node, path: str, aspects: Sequence[str], normalize: Normalize) -> BindingEntry:
    fields = Fields(sheet, node, path, ("location", "backend", "aspect", "key"))
    backend, key = fields.text("backend"), fields.text("key", longest=200)
    try:
        key = normalize(backend, key) if key else ""
    except InventoryFault as fault:
        fields.fault("key", fault.message)
        key = ""
    aspect = fields.choice("aspect", aspects) if aspects else ""
    return BindingEntry(location=fields.text("location"), backend=backend, aspect=aspect, key=key)


def _read_watch(sheet: Sheet, node: Node, path: str) -> WatchEntry:
    fields = Fields(sheet, node, path, ("probe", "location", "address"))
    return WatchEntry(
        probe=fields.text("probe"), location=fields.text("location"), address=fields.text("address", default="")
    )


def _read_person(sheet: Sheet, node: Node, path: str) -> PersonEntry:
    fields = Fields(sheet, node, path, ("name", "title", "identity", "password", "groups", "company_id", "mail"))
    name = fields.slug("name")
    return PersonEntry(
        name=name,
        identity=fields.text("identity", default=name),
        title=fields.text("title"),
        password=fields.text("password", longest=1000),
        groups=tuple(fields.texts("groups")),
        company_id=fields.text("company_id", default="", longest=255),
        mail=read_mail(fields),
    )


def _normalizer(backends: tuple[BackendEntry, ...], rules: Rules) -> Normalize:
    kinds = {backend.name: rules.backends.get(backend.kind) for backend in backends}

    def normalize(backend: str, key: str) -> str:
        kind = kinds.get(backend)
        return kind.normalize_key(key) if kind else key

    return normalize
