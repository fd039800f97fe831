"""The two ceremonies of passkeys: showing one, and adding one. What was asked stands in the session, and once only."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from console.sign_in.sessions import keep_shortly
from incidents.domain.errors import Refused
from incidents.models import Person

# An answer of a security key is some two thousand letters; a certificate chain in it some more.
LONGEST = 65_536
UNUSABLE = (ValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
NOT_ACCEPTED = "That passkey was not accepted. Try again, or use another way to sign in."


def ask(request: HttpRequest, person: Person | None) -> dict[str, Any]:
    """What the browser is asked for: any passkey of ours, or one of this person. The user must be verified."""
    options: dict[str, Any] = auth.begin_authentication(person)
    keep_shortly(request)
    return options


def check(text: str, person: Person | None) -> Authenticator:
    """The passkey that answered, of this person or of whomever it names.

    Raises Refused: the answer is none, or not to what was asked here and now.
    """
    try:
        answer = _parsed(text)
        auth.parse_authentication_response(answer)
        whose = person or auth.extract_user_from_response(answer)
        found: Authenticator = auth.complete_authentication(whose, answer)
    except UNUSABLE as error:
        raise Refused(NOT_ACCEPTED) from error
    if not whose.is_active:
        raise Refused(NOT_ACCEPTED)
    return found


def offer(person: Person) -> dict[str, Any]:
    """What the browser is asked to make: a passkey that signs in by itself."""
    options: dict[str, Any] = auth.begin_registration(person, True)
    return options


def enrol(text: str) -> dict[str, Any]:
    """The new passkey, verified. Raises Refused as `check` does."""
    try:
        answer = _parsed(text)
        auth.parse_registration_response(answer)
        auth.complete_registration(answer)
    except UNUSABLE as error:
        raise Refused("That passkey could not be added. Nothing was changed. Try again.") from error
    return answer


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise ValueError("too long")
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise TypeError("no object")
    return answer
