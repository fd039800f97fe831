"""How each kind of the inventory lies in the tables: what it is known by, and where its fields are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.contrib.auth.models import Group, Permission
from django.db.models import Model

from incidents.models import (
    Backend,
    Binding,
    Channel,
    Location,
    NoticeRoute,
    Organization,
    OrganizationGroupObjectPermission,
    Person,
    Point,
    Preapproval,
    PreapprovalGroupObjectPermission,
    Probe,
    Resource,
    Rota,
)

# The fields of one thing, by their names in plans. Links to several things are frozen sets of names.
Fields: TypeAlias = dict[str, object]
# Rows by name; primary keys by name.
Rows: TypeAlias = dict[str, Fields]
Ids: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """
    Args:
        name: lookups whose values, with spaces between, are the name.
        fields: names of fields, each with its lookup.
        gone: a field and the value with which a row that had to be kept counts as removed.
    """

    model: type[Model]
    name: tuple[str, ...]
    fields: Mapping[str, str]
    gone: tuple[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A field that is rows of another table.

    Args:
        owner: lookup of whose field it is.
        value: lookups whose values, with spaces between, are one item of the field.
    """

    kind: str
    field: str
    model: type[Model]
    owner: str
    value: tuple[str, ...]


def same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


SPECS: dict[str, Kind] = {
    "location": Kind(Location, ("slug",), same("title", "zone", "staging", "position")),
    "backend": Kind(Backend, ("slug",), same("kind", "budget_ms", "every_seconds", "slots", "settings")),
    "probe": Kind(Probe, ("slug",), same("kind", "budget_ms", "settings")),
    "organization": Kind(Organization, ("slug",), same("title")),
    "resource": Kind(
        Resource,
        ("name",),
        same("kind", "title", "settings", "position") | {"organization": "organization__slug"},
    ),
    "binding": Kind(
        Binding, ("resource__name", "location__slug", "aspect"), same("key") | {"backend": "backend__slug"}
    ),
    "watch": Kind(Point, ("resource__name", "location__slug", "probe__slug"), same("address")),
    "person": Kind(
        Person,
        ("username",),
        same("title", "identity", "company_id", "mail", "password", "first_password") | {"active": "is_active"},
        gone=("active", False),
    ),
    "rota": Kind(Rota, ("slug",), same("turns", "shifts", "settings")),
    "preapproval": Kind(
        Preapproval,
        ("slug",),
        same("action", "terms", "digest", "seal") | {"organization": "organization__slug"},
        gone=("digest", ""),
    ),
    "channel": Kind(Channel, ("slug",), same("kind", "settings")),
    "notify": Kind(NoticeRoute, ("slug",), same("organizations", "platform", "kinds", "severity", "channels")),
}
LINKS = (
    Link(
        "organization",
        "rights",
        OrganizationGroupObjectPermission,
        "content_object__slug",
        ("group__name", "permission__codename"),
    ),
    Link("person", "groups", Person.groups.through, "person__username", ("group__name",)),
    Link("preapproval", "resources", Preapproval.resources.through, "preapproval__slug", ("resource__name",)),
    Link(
        "preapproval",
        "groups",
        PreapprovalGroupObjectPermission,
        "content_object__slug",
        ("group__name", "permission__codename"),
    ),
)
# Lookups through a foreign key: the column to write, and whose primary keys stand in it.
_KEYS = {
    "location__slug": ("location_id", "location"),
    "backend__slug": ("backend_id", "backend"),
    "probe__slug": ("probe_id", "probe"),
    "organization__slug": ("organization_id", "organization"),
    "resource__name": ("resource_id", "resource"),
    "person__username": ("person_id", "person"),
    "preapproval__slug": ("preapproval_id", "preapproval"),
    "group__name": ("group_id", "group"),
    "permission__codename": ("permission_id", "permission"),
}


def load(kind: Kind) -> tuple[Rows, Ids]:
    """Every row of the kind, and its primary key, in one query."""
    rows: Rows = {}
    ids: Ids = {}
    width = len(kind.name)
    for pk, *values in kind.model._default_manager.values_list("pk", *kind.name, *kind.fields.values()):
        name = " ".join(values[:width])
        rows[name] = dict(zip(kind.fields, values[width:], strict=True))
        ids[name] = pk
    return rows, ids


def load_link(link: Link) -> dict[tuple[str, str], Any]:
    """Primary keys of the rows, by owner and value, in one query."""
    rows = link.model._default_manager.values_list("pk", link.owner, *link.value)
    return {(owner, " ".join(values)): pk for pk, owner, *values in rows}


def load_rights() -> dict[str, Ids]:
    """Groups by name, and our permissions by codename."""
    permissions = Permission.objects.filter(content_type__app_label="incidents")
    return {
        "group": dict(Group.objects.values_list("name", "pk")),
        "permission": dict(permissions.values_list("codename", "pk")),
    }


def row(kind: Kind, name: str, fields: Fields, ids: Mapping[str, Ids], pk: object = None) -> Model:
    """The unsaved row of one thing; `pk` where it is there already."""
    found = dict(_columns(zip(kind.name, name.split(" "), strict=True), ids))
    found |= _columns(((lookup, fields[field]) for field, lookup in kind.fields.items()), ids)
    return kind.model(**found) if pk is None else kind.model(pk=pk, **found)


def link_row(link: Link, owner: str, value: str, ids: Mapping[str, Ids]) -> Model:
    found = dict(_columns(zip(link.value, value.split(" "), strict=True), ids))
    column = _KEYS[link.owner][0] if link.owner in _KEYS else "content_object_id"
    return link.model(**found, **{column: ids[link.kind][owner]})


def column(lookup: str) -> str:
    """The field of the model that a lookup ends in."""
    return lookup.partition("__")[0]


def _columns(values: Iterable[tuple[str, object]], ids: Mapping[str, Ids]) -> Iterable[tuple[str, Any]]:
    for lookup, value in values:
        if lookup in _KEYS:
            name, kind = _KEYS[lookup]
            yield name, ids[kind][str(value)]
        else:
            yield lookup, value
