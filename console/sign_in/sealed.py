"""The secret of an authenticator app on its way to the phone and back: sealed, for one person and 15 minutes."""

from __future__ import annotations

import json

from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import InvalidToken

from console.sign_in.adapters import box
from incidents.domain.errors import Refused
from incidents.models import Person

GOOD_SECONDS = 900


class Stale(Refused):
    """It is too old, or not from here, or for somebody else."""

    def __init__(self) -> None:
        super().__init__("That page was too old. Use the new secret below. Nothing was changed.")


def new(person: Person) -> str:
    """A new secret, sealed."""
    return box().encrypt(json.dumps([str(person.pk), generate_totp_secret()]).encode()).decode()


def open_(person: Person, text: str) -> str:
    """The secret. Raises Stale."""
    try:
        whose, secret = json.loads(box().decrypt(text.encode(), ttl=GOOD_SECONDS))
    except (InvalidToken, ValueError) as error:
        raise Stale() from error
    if whose != str(person.pk):
        raise Stale()
    return str(secret)
