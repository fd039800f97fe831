"""The sign-in of the shop: a private key that signs, the public keys that are published, and who is let in by them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from incidents.lab.demo import PLACES, SIGN_IN
from incidents.lab.web import Answer

ALGORITHM = "EdDSA"
MESSAGE = "Publish the key of this year"
BROKEN_MESSAGE = "Publish the key of next year"
SECONDS_OF_A_TOKEN = 60
# The public key of RFC 8037, appendix A.2. Nothing of the shop is signed with its other half.
_OTHER = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def make_private() -> str:
    """A new private key, PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read_private(file: Path) -> Ed25519PrivateKey:
    """Raises ValueError, OSError."""
    key = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} holds another kind of key")
    return key


def right_set(key: Ed25519PrivateKey) -> dict[str, str]:
    """{path: JWK Set (RFC 7517) that belongs to this private key} at every location."""
    public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return _everywhere(public["x"], "shop-this-year")


def wrong_set() -> dict[str, str]:
    """The same with a key that nothing is signed with."""
    return _everywhere(_OTHER, "shop-next-year")


def page(published: str | bytes | None, key: Ed25519PrivateKey) -> Answer:
    """What a customer is answered who comes with a token that was just signed.

    Args:
        published: the set of public keys; None where there is none.
        key: signs the token.
    """
    token = jwt.encode({"sub": "a customer", "exp": int(time.time()) + SECONDS_OF_A_TOKEN}, key, ALGORITHM)
    try:
        keys = jwt.PyJWKSet.from_dict(json.loads(published or "")).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return Answer(403, "no public keys can be read, so no signature is believed\n")
    if not any(_believes(one, token) for one in keys):
        return Answer(403, "the signature is of none of the published keys\n")
    return Answer(200, "<!doctype html>\n<title>Shop</title>\n<p>you are signed in</p>\n")


def _believes(key: jwt.PyJWK, token: str) -> bool:
    try:
        jwt.decode(token, key, algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        return False
    return True


def _everywhere(x: str, name: str) -> dict[str, str]:
    """A set of one key (RFC 8037), at every location."""
    key = {"kid": name, "use": "sig", "alg": ALGORITHM, "kty": "OKP", "crv": "Ed25519", "x": x}
    document = json.dumps({"keys": [key]}, indent=2) + "\n"
    return {SIGN_IN.key(place): document for place in PLACES}
