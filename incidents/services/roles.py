"""Gives and takes the roles of an organization. Nobody gives more than they have, and somebody stays who gives."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.errors import NotAllowed, Refused
from incidents.domain.people import ORGANIZATION_ROLES, group_of, role_among
from incidents.engine.grants import held_by_group, held_by_person, holds
from incidents.engine.news import show_news
from incidents.models import Invitation, Organization, Person, RoleChange
from incidents.models.clock import database_now

OWNER = "owners"


def change_role(owner: Person, organization: Organization, person: Person, role: str) -> None:
    """Gives somebody of the organization, or whom an owner took out of it, this role only. Harmless when repeated.

    Raises:
        NotAllowed: the owner may not manage its people.
        Refused: no such role; more than the owner has; somebody else's person; or nobody would be left as an owner.
    """
    _set(owner, organization, person, role)


def remove(owner: Person, organization: Organization, person: Person) -> None:
    """Takes every role in the organization away, and withdraws what they have invited. Harmless when repeated.

    Rights are asked of the rows each time, so the next request of a session that is open finds nothing, and a run of
    theirs stops before its next effect.

    Raises:
        NotAllowed: the owner may not manage its people.
        Refused: somebody else's person; or nobody would be left as an owner.
    """
    _set(owner, organization, person, "")


def must_manage(person: Person, organization: Organization) -> None:
    if not holds(person, "manage_people", organization):
        raise NotAllowed(f"You cannot change the people of {organization.title}.")


def must_give(giver: Person, organization: Organization, role: str) -> None:
    """Raises Refused unless there is such a role and the giver holds all of it, on the preapprovals too, now."""
    carried = held_by_group(group_of(organization.slug, role), organization) if role in ORGANIZATION_ROLES else None
    if not carried:
        raise Refused("Choose one of the roles. Nothing was changed.")
    if carried - held_by_person(giver, organization):
        raise Refused("That role may do something that you may not, so you cannot give it. Nothing was changed.")


def put_in(person: Person, organization: Organization, role: str, by: Person, now: datetime) -> None:
    """Makes this the person's only role in the organization, none when it is empty; in the caller's transaction."""
    names = [group_of(organization.slug, one) for one in ORGANIZATION_ROLES]
    Person.groups.through.objects.filter(person=person, group__name__in=names).delete()
    if role:
        person.groups.add(Group.objects.get(name=group_of(organization.slug, role)))
    RoleChange.objects.update_or_create(
        person=person,
        organization=organization,
        defaults={"role": role, "by": by, "at": now, "settled_at": None},
    )
    show_news(organization.pk)


def withdraw_open(organization: Organization, by: Person, now: datetime, **which: Person | str) -> None:
    """Ends the open invitations of the organization for which this holds, each with its entry."""
    rows = Invitation.objects.filter(organization=organization, used_at=None, withdrawn_at=None, **which)
    for row in rows.select_related("person"):
        row.withdrawn_at = now
        row.save(update_fields=("withdrawn_at",))
        data = {"person": row.person.username, "role": row.role}
        append(Entry("invitation.withdrawn", actor_of(by), organization.slug, data={**data}))


def _set(owner: Person, organization: Organization, person: Person, role: str) -> None:
    with recorded():
        must_manage(owner, organization)
        if role:
            must_give(owner, organization, role)
        before = role_among(organization.slug, set(person.groups.values_list("name", flat=True)))
        _must_belong(organization, person, before)
        if before == role:
            return
        if before == OWNER:
            _must_leave_an_owner(owner, organization, person)
        now = database_now()
        put_in(person, organization, role, owner, now)
        event = "person.role-changed" if role else "person.removed"
        data = {"person": person.username, "before": before, "after": role}
        append(Entry(event, actor_of(owner), organization.slug, data={**data}))
        if before == OWNER:
            # What they could give, they can give no more.
            withdraw_open(organization, owner, now, invited_by=person)


def _must_belong(organization: Organization, person: Person, role: str) -> None:
    """Whoever has never been here is invited, and whoever the inventory took out comes back by the inventory."""
    known = RoleChange.objects.filter(
        person=person, organization=organization, by__isnull=False, person__is_active=True
    )
    if not role and not known.exists():
        raise Refused(f"This person does not belong to {organization.title}. Nothing was changed.")


def _must_leave_an_owner(owner: Person, organization: Organization, person: Person) -> None:
    others = Person.objects.filter(groups__name=group_of(organization.slug, OWNER), is_active=True)
    if not others.exclude(pk=person.pk).exists():
        who = "You are" if owner == person else f"{person.title} is"
        raise Refused(f"{who} the last owner of {organization.title}. Make somebody else an owner first.")
