"""Makes and revokes tokens of the API, and finds whose one is. A token is shown once and kept as a hash."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils.crypto import constant_time_compare

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import Refused
from incidents.domain.networks import Origin
from incidents.domain.tokens import MARK, PREFIX_LENGTH, SHAPE, Scope, prefix_of
from incidents.engine.grants import holds
from incidents.models import ApiToken, Organization, Person
from incidents.models.clock import database_now
from incidents.services import limits

# What lies in a file of a machine should not be good for ever; a year is the longest that is asked for.
LONGEST_DAYS = 366
SECRET_BYTES = 32
MOST = 20
# The last use is exact to a minute, so that a program that asks every second writes no row every second.
MARK_EVERY = timedelta(minutes=1)
LOWEST = "Choose what the token may be used for. Nothing was made."


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants a token for.

    Args:
        days: after which it is good no more.
    """

    organization: Organization
    name: str
    scopes: Collection[Scope]
    days: int


@dataclass(frozen=True, slots=True)
class Made:
    """`secret` is the token, and is kept nowhere: whoever loses it revokes it and makes another."""

    token: ApiToken
    secret: str


def make(person: Person, asked: Asked) -> Made:
    """A token of this person for one organization.

    Raises Refused: no scope, no such organization for this person, too long, or too many tokens.
    """
    if not asked.scopes:
        raise Refused(LOWEST)
    if not 1 <= asked.days <= LONGEST_DAYS:
        raise Refused(f"Choose a number of days from 1 to {LONGEST_DAYS}. Nothing was made.")
    secret = f"{MARK}{_letters()}_{secrets.token_urlsafe(SECRET_BYTES)}"
    with recorded():
        if not holds(person, "see_organization", asked.organization):
            raise Refused("Choose one of your organizations. Nothing was made.")
        now = database_now()
        if ApiToken.objects.filter(person=person, revoked_at=None, expires_at__gt=now).count() >= MOST:
            raise Refused(f"You have {MOST} tokens. Revoke one first. Nothing was made.")
        token = ApiToken.objects.create(
            person=person,
            organization=asked.organization,
            name=asked.name,
            prefix=secret[:PREFIX_LENGTH],
            digest=hash_of(secret),
            scopes=sorted(asked.scopes),
            made_at=now,
            expires_at=now + timedelta(days=asked.days),
        )
        append(_entry("token.made", token, {"scopes": token.scopes, "expires_at": token.expires_at.isoformat()}))
    return Made(token, secret)


def revoke(person: Person, token_id: uuid.UUID) -> None:
    """The token of this person is good no more. Harmless when repeated, or when there is none."""
    with recorded():
        token = find_own(person, token_id)
        if token is not None and ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=database_now()
        ):
            append(_entry("token.revoked", token, {}))


def find_own(person: Person, token_id: uuid.UUID) -> ApiToken | None:
    """A token of this person; None when it is nobody's, or somebody else's."""
    return ApiToken.objects.filter(person=person, pk=token_id).select_related("organization", "person").first()


def use(secret: str, origin: Origin) -> ApiToken | None:
    """The token, with its person and organization; None when it is unknown, revoked or over, or its person has left.

    A good token is never held up by what others try.

    Raises:
        Limited: too many wrong tokens came from there.
    """
    found = _find(secret)
    if found is None:
        limits.take_token(origin)
        return None
    now = database_now()
    if found.revoked_at is not None or found.expires_at <= now or not found.person.is_active:
        _note_refusal(found, origin)
        return None
    if found.used_at is None or now - found.used_at >= MARK_EVERY:
        unmarked = Q(used_at=None) | Q(used_at__lte=now - MARK_EVERY)
        ApiToken.objects.filter(unmarked, pk=found.pk).update(used_at=now)
    return found


def hash_of(secret: str) -> str:
    """What is kept of a token. SHA-256 without salt is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _find(secret: str) -> ApiToken | None:
    prefix = prefix_of(secret)
    rows = ApiToken.objects.filter(prefix=prefix).select_related("organization", "person")
    found = rows.first() if prefix and SHAPE.fullmatch(secret) else None
    return found if found is not None and constant_time_compare(found.digest, hash_of(secret)) else None


def _note_refusal(token: ApiToken, origin: Origin) -> None:
    """A `token.refused` entry, once a minute at most: somebody still has it."""
    if limits.may(limits.REFUSAL_TOLD, "token", str(token.pk)):
        with recorded():
            append(_entry("token.refused", token, {"network": origin.network}))


def _letters() -> str:
    return base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]


def _entry(event: str, token: ApiToken, data: JsonObject) -> Entry:
    about: JsonObject = {"token": token.prefix, "name": token.name, **data}
    return Entry(event, actor_of(token.person), token.organization.slug, data=about)
