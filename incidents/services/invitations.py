"""Invites people into an organization by a link that is shown once, and lets them in."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Exists, OuterRef, QuerySet

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.errors import Refused
from incidents.engine.news import show_news
from incidents.models import Invitation, Organization, Person
from incidents.models.clock import database_now
from incidents.services.roles import must_give, must_manage, put_in, withdraw_open

VALID_FOR = timedelta(hours=72)
# 256 bits from the system's generator: nothing that can be guessed, so nothing that need be slowed down.
TOKEN_BYTES = 32
DEAD = "This link does not work any more. Ask the person who sent it for a new one."
TAKEN = "This name is taken. Choose another."


@dataclass(frozen=True, slots=True)
class Invited:
    """`token` is the secret of the link, and is kept nowhere: whoever loses it withdraws the invitation."""

    invitation: Invitation
    token: str


def invite(owner: Person, organization: Organization, *, name: str, title: str, role: str) -> Invited:
    """Makes a person who cannot sign in yet, and an invitation of 72 hours for them.

    Args:
        name: to sign in with; one over all organizations.
        title: how others read who this is.

    Raises:
        NotAllowed: the owner may not manage the organization's people.
        Refused: no such role, more than the owner has, or the name is taken.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with recorded():
        must_manage(owner, organization)
        must_give(owner, organization, role)
        now = database_now()
        invitation = Invitation.objects.create(
            person=_newcomer(owner, organization, name, title),
            organization=organization,
            role=role,
            token_hash=hash_of(token),
            invited_by=owner,
            invited_at=now,
            expires_at=now + VALID_FOR,
        )
        show_news(organization.pk)
        data = {"person": name, "title": title, "role": role, "expires_at": invitation.expires_at.isoformat()}
        append(Entry("person.invited", actor_of(owner), organization.slug, data={**data}))
    return Invited(invitation, token)


def withdraw(owner: Person, organization: Organization, invitation: uuid.UUID) -> None:
    """Ends an invitation that nobody has used. Harmless when repeated or too late.

    Raises NotAllowed.
    """
    with recorded():
        must_manage(owner, organization)
        withdraw_open(organization, owner, database_now(), pk=str(invitation))
        show_news(organization.pk)


def accept(token: str, password: str) -> Person:
    """Lets the invited person in, once: with this password, and with the role that they were invited to.

    Raises:
        Refused: the link is unknown, used, withdrawn or too old, or who sent it may not give that role any more. It
            does not say which.
    """
    # A hash takes about 0.1 s, so it is made before the transaction.
    hashed = make_password(password)
    with recorded():
        now = database_now()
        rows = Invitation.objects.filter(token_hash=hash_of(token)).select_related(
            "person", "organization", "invited_by"
        )
        invitation = rows.first()
        still_open = Invitation.objects.filter(
            token_hash=hash_of(token), used_at=None, withdrawn_at=None, expires_at__gt=now
        )
        # Of two people with the same link, one changes the rows; and where the inventory has taken that name meanwhile,
        # nobody does, for a link must not open somebody else's door.
        if (
            invitation is None
            or not _never_came().filter(pk=invitation.person_id).update(password=hashed, is_active=True)
            or not still_open.update(used_at=now)
        ):
            raise Refused(DEAD)
        _must_still_give(invitation)
        person = invitation.person
        person.refresh_from_db()
        put_in(person, invitation.organization, invitation.role, invitation.invited_by, now)
        data = {"person": person.username, "role": invitation.role, "invited_by": invitation.invited_by.username}
        append(Entry("person.joined", actor_of(person), invitation.organization.slug, data={**data}))
    return person


def hash_of(token: str) -> str:
    """What is kept of a token. SHA-256 without salt is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _must_still_give(invitation: Invitation) -> None:
    """Rights are asked when they have their effect, and the effect of an invitation is here."""
    try:
        must_manage(invitation.invited_by, invitation.organization)
        must_give(invitation.invited_by, invitation.organization, invitation.role)
    except Refused as refused:
        raise Refused(DEAD) from refused


def _newcomer(owner: Person, organization: Organization, name: str, title: str) -> Person:
    """A new person; or the one of that name whom this organization has invited before, and who never came."""
    person = Person.objects.filter(username=name).first()
    if person is None:
        return Person.objects.create(
            username=name, title=title, is_active=False, password=make_password(None), invited_by=owner
        )
    theirs = person.invitations.all()
    if not _never_came().filter(pk=person.pk).exists() or theirs.exclude(organization=organization).exists():
        raise Refused(TAKEN)
    if theirs.filter(withdrawn_at=None, expires_at__gt=database_now()).exists():
        raise Refused(f"{person.title} has an invitation already. Withdraw it first, then invite them again.")
    person.title, person.invited_by = title, owner
    person.save(update_fields=("title", "invited_by"))
    return person


def _never_came() -> QuerySet[Person]:
    """People who were invited, have never accepted, and of whom the inventory knows nothing."""
    came = Invitation.objects.filter(person=OuterRef("pk"), used_at__isnull=False)
    return Person.objects.filter(~Exists(came), is_active=False, first_password="", invited_by__isnull=False)
