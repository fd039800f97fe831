"""Keeps what requests under an idempotency key were answered, so that one that is sent again acts no second time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from incidents.audit.log import Entry, actor_of, append, recorded
from incidents.domain.canonical import JsonObject
from incidents.domain.errors import KeyInUse, KeyReused
from incidents.models import ApiToken, KeyedAnswer
from incidents.models.clock import database_now

# As long as a run can be undone.
KEPT = timedelta(hours=24)
# A process that died with it never answers. Every verb is safe to repeat, so another may try then.
WORKED_ON = timedelta(seconds=60)
UNDER_WAY = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall be done under a key.

    Args:
        verb, about: what to what, for the audit log.
        digest: of everything that must be equal when the key is used again.
    """

    key: str
    verb: str
    about: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the same request was answered before."""

    status: int
    body: str


def claim(token: ApiToken, asked: Asked) -> Answered | None:
    """None where the caller is the one to do it now; it ends with `keep` or `release`. Says so in the audit log.

    Raises:
        KeyReused: the key belongs to another request.
        KeyInUse: somebody is at it.
    """
    with recorded():
        now = database_now()
        KeyedAnswer.objects.filter(at__lt=now - KEPT).delete()
        row = KeyedAnswer.objects.filter(token=token, key=asked.key).first()
        if row is not None and row.request_digest != asked.digest:
            raise KeyReused("This Idempotency-Key was used before for another request. Nothing was done this time.")
        if row is not None and row.status != UNDER_WAY:
            return Answered(row.status, row.body)
        if row is not None and now - row.at < WORKED_ON:
            raise KeyInUse("The first request with this Idempotency-Key is still being worked on.")
        KeyedAnswer.objects.update_or_create(
            token=token, key=asked.key, defaults={"request_digest": asked.digest, "at": now}
        )
        data: JsonObject = {
            "token": token.prefix, "name": token.name, "verb": asked.verb, "about": asked.about, "key": asked.key
        }  # fmt: skip
        append(Entry("token.used", actor_of(token.person), token.organization.slug, data=data))
    return None


def keep(token: ApiToken, key: str, status: int, body: str) -> None:
    """It was done, and this is the answer from now on."""
    KeyedAnswer.objects.filter(token=token, key=key).update(status=status, body=body)


def release(token: ApiToken, key: str) -> None:
    """Nothing was done, so the key is as unused as before."""
    KeyedAnswer.objects.filter(token=token, key=key, status=UNDER_WAY).delete()
