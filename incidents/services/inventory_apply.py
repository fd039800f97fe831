"""Writes the difference between an inventory and the tables, in as few statements as bulk operations allow."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import CharField, Model, Value
from django.db.models.functions import Cast, Concat, Now

from incidents.audit.log import Actor, Entry
from incidents.domain.canonical import JsonObject
from incidents.domain.people import ORGANIZATION_ROLES, PLATFORM_RIGHTS, group_of, groups_of
from incidents.engine.news import show_news_to
from incidents.engine.snapshots import released
from incidents.engine.telling import begin_here
from incidents.inventory.diff import KINDS
from incidents.models import Binding, Organization, Person, Plan, Preapproval, RoleChange
from incidents.services.inventory_kinds import LINKS, SPECS, Link, column, link_row, row
from incidents.services.inventory_plan import Comparison

# These go before anything is made, for what is made may need their place; the rest goes when nothing refers to it.
FIRST_TO_GO = ("preapproval", "watch", "binding", "resource")


def write(comparison: Comparison) -> None:
    """Makes the tables as the comparison wants them; inside the caller's transaction.

    1. Preapprovals, watches, bindings and prefixes that are named under `remove` go.
    2. Groups, then every kind in the order of `KINDS`, so that what is referred to is there.
    3. Links: who is in which group, who holds what, what a preapproval covers.
    4. The other things that are named under `remove` go.
    """
    with released():
        for kind in FIRST_TO_GO:
            _remove(comparison, kind)
    _make_groups(comparison)
    for kind in KINDS:
        _add(comparison, kind)
        _change(comparison, kind)
    for link, rows in zip(LINKS, comparison.links, strict=True):
        _write_links(comparison, link, dict(rows))
    with released():
        for kind in reversed(KINDS):
            if kind not in FIRST_TO_GO:
                _remove(comparison, kind)
    if not comparison.present["notify"]:
        begin_here()
    show_news_to(Organization.objects.all())


def _make_groups(comparison: Comparison) -> None:
    groups = comparison.ids["group"]
    names = groups_of(comparison.wanted["organization"])
    made = Group.objects.bulk_create([Group(name=name) for name in names if name not in groups])
    groups.update({group.name: group.pk for group in made})


def grant_platform_rights(actor: Actor) -> list[Entry]:
    """What the operator's groups hold over everything, and nothing else; inside the caller's transaction.

    Returns one entry for each group whose rights were not so.
    """
    entries = []
    for role, rights in PLATFORM_RIGHTS.items():
        wanted = Permission.objects.filter(content_type__app_label="incidents", codename__in=rights)
        for group in Group.objects.filter(name=role):
            before = sorted(group.permissions.values_list("codename", flat=True))
            if before != sorted(rights):
                group.permissions.set(wanted)
                data: JsonObject = {"group": role, "before": before, "after": sorted(rights)}
                entries.append(Entry("inventory.rights.changed", actor, data=data))
    return entries


def _add(comparison: Comparison, kind: str) -> None:
    spec = SPECS[kind]
    names = comparison.diff.kinds[kind].added
    rows = [row(spec, name, comparison.wanted[kind][name], comparison.ids) for name in names]
    made = spec.model._default_manager.bulk_create(rows)
    comparison.ids[kind].update({name: one.pk for name, one in zip(names, made, strict=True)})


def _change(comparison: Comparison, kind: str) -> None:
    spec = SPECS[kind]
    changed = comparison.diff.kinds[kind].changed
    # Things that differ in the same fields are written together.
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, fields in changed.items():
        columns = tuple(column(spec.fields[field]) for field in fields if field in spec.fields)
        if columns:
            alike[columns].append(name)
    if kind == "binding":
        _free_keys([comparison.ids[kind][name] for names in alike.values() for name in names])
    for columns, names in alike.items():
        rows = [
            row(spec, name, comparison.wanted[kind][name], comparison.ids, comparison.ids[kind][name]) for name in names
        ]
        spec.model._default_manager.bulk_update(rows, columns, batch_size=500)


def _free_keys(bindings: list[Any]) -> None:
    """Two bindings that swap their keys must not hold the same one on the way.

    What was seen, and proven good, at the old place says nothing about the new one.
    """
    Binding.objects.filter(pk__in=bindings).update(
        key=Concat(Value("moving "), Cast("pk", CharField())), seen=None, good=None, moved_at=Now()
    )


def _write_links(comparison: Comparison, link: Link, rows: dict[tuple[str, str], object]) -> None:
    diff = comparison.diff.kinds[link.kind]
    owners = [*diff.added, *(name for name, fields in diff.changed.items() if link.field in fields)]
    new: list[Model] = []
    old: list[object] = []
    for owner in owners:
        wanted = comparison.wanted[link.kind][owner][link.field]
        there = comparison.present[link.kind].get(owner, {}).get(link.field, frozenset())
        if not isinstance(wanted, frozenset) or not isinstance(there, frozenset):
            raise TypeError(f"{link.field} of {link.kind} must be a frozenset")
        new += [link_row(link, owner, value, comparison.ids) for value in sorted(wanted - there)]
        old += [rows[owner, value] for value in there - wanted]
    link.model._default_manager.filter(pk__in=old).delete()
    link.model._default_manager.bulk_create(new)


def _remove(comparison: Comparison, kind: str) -> None:
    ids = [comparison.ids[kind][name] for name in comparison.diff.kinds[kind].removed]
    if not ids:
        return
    if kind == "person":
        _deactivate(ids)
    elif kind == "preapproval":
        _withdraw(ids)
    elif kind == "organization":
        names = [group_of(name, role) for name in comparison.diff.kinds[kind].removed for role in ORGANIZATION_ROLES]
        Group.objects.filter(name__in=names).delete()
        Organization.objects.filter(pk__in=ids).delete()
    else:
        SPECS[kind].model._default_manager.filter(pk__in=ids).delete()


def _deactivate(ids: list[Any]) -> None:
    """Runs tell who started them, so the row stays; it cannot sign in, and holds nothing.

    What owners have decided about them is over, so that they can come back by the file alone.
    """
    Person.objects.filter(pk__in=ids).update(is_active=False)
    Person.groups.through.objects.filter(person_id__in=ids).delete()
    RoleChange.objects.filter(person_id__in=ids).delete()


def _withdraw(ids: list[Any]) -> None:
    """A preapproval that runs refer to stays as an empty row: it covers nothing, and nobody holds it."""
    used = set(Plan.objects.filter(preapproval__in=ids, run__isnull=False).values_list("preapproval_id", flat=True))
    Preapproval.objects.filter(pk__in=set(ids) - used).delete()
    Preapproval.objects.filter(pk__in=used).update(digest="")
    for link in LINKS:
        if link.kind == "preapproval":
            owner = column(link.owner)
            link.model._default_manager.filter(**{f"{owner}__in": used}).delete()
