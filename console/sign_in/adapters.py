"""How django-allauth is bent to our rules: who may sign in, what follows, and how secrets lie in the database."""

from __future__ import annotations

import base64
import time
from functools import lru_cache
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.sign_in.origin import origin_of_request
from incidents.models import Person
from incidents.services import sign_in

# What the derived key is for (RFC 5869 section 3.2), so that no other use of SECRET_KEY can give the same one.
PURPOSE = b"handrail: secrets of second factors at rest, version 1"
# When a session began, and when its person was seen last, in seconds since 1970.
BEGAN, SEEN = "began", "seen"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # untyped
    """People come from the inventory. Signing in is a password and a second factor, or a passkey; nothing by mail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def login(self, request: HttpRequest, user: Person) -> None:
        records = get_authentication_records(request, user)
        methods = [str(record.get("type") or record["method"]) for record in records]
        # The entry first: no session without it.
        sign_in.begin(user, methods, origin_of_request(request))
        super().login(request, user)
        request.session[BEGAN] = request.session[SEEN] = int(time.time())
        request.session.set_expiry(None)

    def post_login(self, request: HttpRequest, user: Person, *, redirect_url: str | None, **_: Any) -> HttpResponse:
        return HttpResponseRedirect(redirect_url or reverse("start"))

    def add_message(self, *_: Any, **__: Any) -> None:
        """Our pages say themselves what has happened."""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # untyped
    """Secrets are encrypted with the first of FACTOR_KEYS, and read with any of them, or one from a SECRET_KEY."""

    def encrypt(self, text: str) -> str:
        return box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return box().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return str(settings.OPERATOR_NAME)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        host = context.request.get_host().partition(":")[0]
        return {"id": settings.PASSKEY_DOMAIN or host, "name": settings.OPERATOR_NAME}


def box() -> MultiFernet:
    """What seals and opens. Raises nothing: the settings were checked when they were read."""
    return _box(tuple(settings.FACTOR_KEYS), (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...], secret_keys: tuple[str, ...]) -> MultiFernet:
    # Those derived stay at the end, so that whoever sets FACTOR_KEYS later can still read what there is; the former
    # ones among them, so that a new SECRET_KEY locks nobody out before everything is sealed anew.
    return MultiFernet([Fernet(key) for key in (*keys, *map(_derived, secret_keys))])


def _derived(secret_key: str) -> str:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret_key.encode())
    return base64.urlsafe_b64encode(key).decode()
