"""Who belongs to an organization, who is invited, and who may press what."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from incidents.domain.people import ORGANIZATION_ROLES, PLATFORM_ROLES, group_of, role_among
from incidents.models import Invitation, Organization, Person, Preapproval, PreapprovalGroupObjectPermission, RoleChange

FORMER_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who belongs, or has belonged, to the organization.

    Args:
        role: a key of ORGANIZATION_ROLES; empty for who was removed.
        since, by: when and by whom it was given or taken on this page; `by` is empty for the inventory, and `since` is
            None where nobody has written it down.
    """

    id: uuid.UUID
    name: str
    title: str
    role: str
    since: datetime | None
    by: str
    last_login: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invitation that is neither used nor withdrawn."""

    id: uuid.UUID
    name: str
    title: str
    role: str
    by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """A group that a preapproval names: one of the organization's roles with its people, or one of the operator's."""

    role: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Press:
    """One preapproval: who may run it, and who may agree to it as a second person."""

    action: str
    tier: int
    resources: int
    users: tuple[Holder, ...]
    approvers: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class PeoplePage:
    members: tuple[Member, ...]
    waiting: tuple[Waiting, ...]
    former: tuple[Member, ...]
    presses: tuple[Press, ...]


def read_people(organization: Organization, now: datetime) -> PeoplePage:
    """Five queries, whatever the number of people."""
    members = read_members(organization)
    return PeoplePage(
        members=tuple(member for member in members if member.role),
        waiting=_waiting(organization, now),
        former=tuple(member for member in members if not member.role)[:FORMER_SHOWN],
        presses=_presses(organization, members),
    )


def read_members(organization: Organization) -> list[Member]:
    """Who belongs to it, by role and title, and then who was removed on the page, the newest first. Two queries."""
    groups: dict[uuid.UUID, set[str]] = defaultdict(set)
    people: dict[uuid.UUID, Person] = {}
    rows = Person.groups.through.objects.filter(group__name__in=_groups(organization), person__is_active=True)
    for row in rows.select_related("person", "group"):
        groups[row.person_id].add(row.group.name)
        people[row.person_id] = row.person
    changes: dict[uuid.UUID, RoleChange] = {}
    written = RoleChange.objects.filter(organization=organization, person__is_active=True)
    for change in written.select_related("person", "by"):
        changes[change.person_id] = change
        people.setdefault(change.person_id, change.person)
    found = [
        _member(person, role_among(organization.slug, groups[person.pk]), changes.get(person.pk))
        for person in people.values()
    ]
    order = {role: position for position, role in enumerate(ORGANIZATION_ROLES)}
    here = sorted((one for one in found if one.role), key=lambda one: (order[one.role], one.title, one.name))
    gone = [one for one in found if not one.role and one.since and one.by]
    return [*here, *sorted(gone, key=lambda one: one.since or datetime.min, reverse=True)]


def find_person(organization: Organization, person_id: uuid.UUID) -> Person | None:
    """Somebody active who belongs to the organization, or whom an owner has taken out of it."""
    here = Exists(Person.groups.through.objects.filter(person=OuterRef("pk"), group__name__in=_groups(organization)))
    was = Exists(RoleChange.objects.filter(person=OuterRef("pk"), organization=organization, by__isnull=False))
    return Person.objects.filter(Q(here) | Q(was), pk=person_id, is_active=True).first()


def find_invitation(organization: Organization, invitation_id: uuid.UUID) -> Invitation | None:
    return Invitation.objects.filter(organization=organization, pk=invitation_id).first()


def find_open(token_hash: str, now: datetime) -> Invitation | None:
    """The invitation behind a token, with its people and its organization, while it can still be accepted."""
    rows = Invitation.objects.filter(
        token_hash=token_hash, used_at=None, withdrawn_at=None, expires_at__gt=now, person__is_active=False
    )
    return rows.select_related("person", "organization", "invited_by").first()


def _groups(organization: Organization) -> list[str]:
    return [group_of(organization.slug, role) for role in ORGANIZATION_ROLES]


def _member(person: Person, role: str, change: RoleChange | None) -> Member:
    # What was granted beside the page and the inventory has no date.
    told = change if change is not None and change.role == role else None
    return Member(
        id=person.pk,
        name=person.username,
        title=person.title,
        role=role,
        since=told.at if told else None,
        by=told.by.title if told and told.by else "",
        last_login=person.last_login,
    )


def _waiting(organization: Organization, now: datetime) -> tuple[Waiting, ...]:
    rows = Invitation.objects.filter(organization=organization, used_at=None, withdrawn_at=None, expires_at__gt=now)
    return tuple(
        Waiting(row.pk, row.person.username, row.person.title, row.role, row.invited_by.title, row.expires_at)
        for row in rows.select_related("person", "invited_by")
    )


def _presses(organization: Organization, members: list[Member]) -> tuple[Press, ...]:
    names: dict[str, tuple[str, ...]] = {
        role: tuple(member.title for member in members if member.role == role) for role in ORGANIZATION_ROLES
    }
    held: dict[tuple[int, str], set[str]] = defaultdict(set)
    rows = PreapprovalGroupObjectPermission.objects.filter(content_object__organization=organization)
    for preapproval, right, group in rows.values_list("content_object", "permission__codename", "group__name"):
        held[preapproval, right].add(group.rpartition("/")[2])
    approved = Preapproval.objects.filter(organization=organization).exclude(digest="")
    return tuple(
        Press(
            action=row.action,
            tier=int(row.terms["tier"]),
            resources=row.covered,
            users=_holders(held[row.pk, "use_preapproval"], names),
            approvers=_holders(held[row.pk, "approve_preapproval"], names),
        )
        for row in approved.annotate(covered=Count("resources"))
    )


def _holders(roles: set[str], names: Mapping[str, tuple[str, ...]]) -> tuple[Holder, ...]:
    """In the order of the roles; the operator's own people are not named to a customer."""
    return tuple(Holder(role, names.get(role, ())) for role in (*ORGANIZATION_ROLES, *PLATFORM_ROLES) if role in roles)
