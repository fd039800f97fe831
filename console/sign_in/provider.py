"""The company's OpenID Connect provider: where it is, its keys, and what it says about somebody.

Its description and its keys lie on disk, and are used when it does not answer. Every answer of it is proven: issuer,
audience, nonce, times, and a signature by one of its keys with an algorithm that we name (OpenID Connect Core 1.0
section 3.1.3.7; RFC 8725 sections 3.1 and 3.8).
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import jwt

from console.sign_in.bounded import Bulkhead, Late
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.errors import AdapterError, HandrailError
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client

# All that one visit to it may take, names and all.
BUDGET_SECONDS = 3.0
FRESH_SECONDS = 3600.0
# Asymmetric ones only: `none`, and a secret that both sides know, prove nothing.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY_SECONDS = 60
# Kinds of keys of which the one half may be published (RFC 7518 section 6.1, RFC 8037).
PUBLIC = frozenset({"RSA", "EC", "OKP"})
DESCRIPTION, KEYS = "openid-configuration", "jwks"


class Degraded(HandrailError):
    """It did not answer, or not with what we asked for. `what` says at which step."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(text)
        self.what = what


class Untrue(HandrailError):
    """What it said is not proven."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person came back with, and what we have kept since they left.

    Args:
        verifier: of PKCE (RFC 7636).
        back: the address that they came back to.
    """

    code: str
    verifier: str
    nonce: str
    back: str


@dataclass(frozen=True, slots=True)
class Provider:
    """
    Args:
        folder: where its description and keys are kept.
        may_ask_for_keys: asked before keys are read anew because of one that we do not know.
        bulkhead: shared by all who visit it.
    """

    issuer: str
    client: str
    secret: str
    folder: Path
    may_ask_for_keys: Callable[[], bool]
    bulkhead: Bulkhead

    def address(self, deadline: Deadline, key: str) -> str:
        """An address from its description. Raises Degraded."""
        found = self._description(deadline).get(key)
        # What it describes must be as safe as where it was read.
        if not isinstance(found, str) or urlsplit(found).scheme not in {"https", urlsplit(self.issuer).scheme}:
            raise Degraded("description", f"its description has no usable {key}")
        return found

    def subject(self, deadline: Deadline, answered: Answered) -> str:
        """Who it says has signed in there.

        Raises:
            Degraded: it did not answer.
            Untrue: what it answered is not proven.
        """
        token = self._token(deadline, answered)
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise Untrue("signed with no algorithm that we take")
            row = self._key(deadline, str(header.get("kid", "")))
            # A key that names its algorithm is good for no other one.
            key = jwt.PyJWK(row, None if "alg" in row else header["alg"])
            claims = jwt.decode(
                token,
                key=key,
                algorithms=ALGORITHMS,
                audience=self.client,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Untrue(f"its token is not proven: {type(error).__name__}") from error
        if claims.get("nonce") != answered.nonce:
            raise Untrue("its token answers another question: nonce")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client:
            raise Untrue("its token is for somebody else: azp")
        return str(claims["sub"])

    def _description(self, deadline: Deadline) -> JsonObject:
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self._kept(DESCRIPTION, FRESH_SECONDS) or self._read(deadline, DESCRIPTION, address)
        if found.get("issuer") != self.issuer:
            raise Degraded("description", "its description names another issuer")
        return found

    def _token(self, deadline: Deadline, answered: Answered) -> str:
        address = self.address(deadline, "token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": answered.code,
            "redirect_uri": answered.back,
            "code_verifier": answered.verifier,
        }
        headers: dict[str, str] = {}
        methods = self._description(deadline).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if isinstance(methods, list) and "client_secret_basic" in methods:
            # RFC 6749 section 2.3.1: both parts are encoded as in a form first.
            pair = f"{quote(self.client, safe='')}:{quote(self.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client, "client_secret": self.secret}
        body = self._ask(deadline, "token", "POST", address, form=form, headers=headers)
        token = body.get("id_token")
        if not isinstance(token, str):
            raise Degraded("token", "it gave no token")
        return token

    def _key(self, deadline: Deadline, kid: str) -> dict[str, Json]:
        """The key of that name; its keys are read anew when they are old, or lack it. Raises Degraded, Untrue."""
        address = self.address(deadline, "jwks_uri")
        keys = self._kept(KEYS, FRESH_SECONDS) or self._read(deadline, KEYS, address)
        found = _find(keys, kid)
        if found is None and self.may_ask_for_keys():
            found = _find(self._read(deadline, KEYS, address), kid)
        if found is None:
            raise Untrue("signed with a key that it does not have")
        return found

    def _read(self, deadline: Deadline, name: str, address: str) -> JsonObject:
        """Asks for a document and keeps it; the kept one, however old, when it does not answer. Raises Degraded."""
        try:
            found = self._ask(deadline, name, "GET", address)
        except Degraded:
            old = self._kept(name, float("inf"))
            if old is None:
                raise
            return old
        self._keep(name, found)
        return found

    def _ask(
        self,
        deadline: Deadline,
        what: str,
        method: str,
        address: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> JsonObject:
        client = Client("company sign-in", address)
        try:
            answer = self.bulkhead.within(
                deadline, lambda: client.call(deadline, method, "", headers=headers, form=form)
            )
        except (AdapterError, Late, TimeoutError) as error:
            raise Degraded(what, str(error)) from error
        finally:
            client.close()
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise Degraded(what, f"it answered with status {answer.status}")
        return dict(answer.body)

    def _kept(self, name: str, seconds: float) -> JsonObject | None:
        """The document on disk, if it is this issuer's and not older."""
        try:
            kept = json.loads((self.folder / f"{name}.json").read_text())
            good = kept["issuer"] == self.issuer and 0 <= time.time() - kept["at"] < seconds
            return dict(kept["body"]) if good else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, name: str, body: JsonObject) -> None:
        """Whole or not at all; a disk that is full keeps nobody from signing in."""
        kept: dict[str, Json] = {"issuer": self.issuer, "at": int(time.time()), "body": body}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:
                json.dump(kept, file)
            os.replace(file.name, self.folder / f"{name}.json")
        except OSError:
            return


def _find(keys: JsonObject, kid: str) -> dict[str, Json] | None:
    """The public key of that name; of a single key no name is asked."""
    rows = keys.get("keys")
    given = [dict(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    all_keys = [row for row in given if row.get("kty") in PUBLIC and row.get("use", "sig") == "sig"]
    if not kid:
        return all_keys[0] if len(all_keys) == 1 else None
    return next((row for row in all_keys if row.get("kid") == kid), None)
