"""A company's OpenID Connect provider over real sockets: honest, or not."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.web import Answer, Request, Web

CLIENT, SECRET = "handrail", "the secret of the client: with a colon"
SUBJECT = "248289761001"


def make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class FakeProvider:
    """
    Args:
        mode: `honest`; `hang` accepts and never answers; `error` answers with status 500; or what it lies about.
        asked: paths that were asked for, in order.
    """

    mode: str = "honest"
    asked: list[str] = field(default_factory=list)
    published: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {"first": make_key()})
    signs_with: str = "first"
    nonce: str = ""
    challenge: str = ""

    def __post_init__(self) -> None:
        self.web = Web(self._answer)
        self.issuer = f"{self.web.url}/company"
        self.unpublished = make_key()

    def went(self, query: dict[str, str]) -> dict[str, str]:
        """What the browser brings back, once the person has signed in there."""
        self.nonce, self.challenge = query["nonce"], query["code_challenge"]
        return {"code": "a code", "state": query["state"]}

    def _answer(self, request: Request) -> Answer | None:
        self.asked.append(request.path)
        if self.mode == "hang":
            self.web.ended.wait()
            return None
        if self.mode == "error":
            return Answer(500)
        if request.path.endswith("/.well-known/openid-configuration"):
            return Answer(body=self._description())
        if request.path == "/keys":
            return Answer(body={"keys": [_public(kid, key) for kid, key in self.published.items()]})
        return self._token(request)

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": "https://another.example" if self.mode == "another issuer describes itself" else self.issuer,
            "authorization_endpoint": f"{self.web.url}/authorize",
            "token_endpoint": f"{self.web.url}/token",
            "jwks_uri": f"{self.web.url}/keys",
        }

    def _token(self, request: Request) -> Answer:
        pair = base64.b64encode(b"handrail:the%20secret%20of%20the%20client%3A%20with%20a%20colon").decode()
        hashed = hashlib.sha256(request.body["code_verifier"].encode()).digest()
        good = (
            request.headers["authorization"] == f"Basic {pair}"
            and request.body["code"] == "a code"
            and base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() == self.challenge
        )
        return Answer(body={"access_token": "x", "id_token": self._signed()}) if good else Answer(400, {"error": "x"})

    def _signed(self) -> str:
        claims = self._claims()
        if self.mode == "alg none":
            return jwt.encode(claims, "", algorithm="none", headers={"kid": self.signs_with})
        if self.mode == "alg of a shared secret":
            # The old trick: the public key, which everybody has, as the secret of an HMAC.
            return jwt.encode(claims, "p" * 32, algorithm="HS256", headers={"kid": self.signs_with})
        forged = self.mode in ("unknown key", "forged with a known name")
        key = self.unpublished if forged else self.published[self.signs_with]
        kid = "nobody knows it" if self.mode == "unknown key" else self.signs_with
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})

    def _claims(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": SUBJECT, "iat": now, "exp": now + 300, "nonce": self.nonce}
        lies: dict[str, dict[str, Any]] = {
            "wrong nonce": {"nonce": "another"},
            "wrong audience": {"aud": "another"},
            "many audiences": {"aud": [CLIENT, "another"]},
            "wrong issuer": {"iss": "https://another.example"},
            "expired": {"iat": now - 900, "exp": now - 600},
            "from the future": {"iat": now + 600, "exp": now + 900},
            "somebody unknown": {"sub": "1"},
            "nobody": {"sub": ""},
        }
        return claims | lies.get(self.mode, {})


def _public(kid: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**row, "kid": kid, "use": "sig"}
