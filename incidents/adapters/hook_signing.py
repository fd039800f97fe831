"""Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`, made for questions, checked on answers.

Source: its specification, https://www.standardwebhooks.com, sections "Signature scheme" and "Webhook headers".
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence

from incidents.wire.settings import fault

PREFIX = "whsec_"
# In bytes; the specification has 192 to 512 bits.
SHORTEST, LONGEST = 24, 64
# One that is used, and one that comes or goes.
MOST_SECRETS = 2
# In seconds either way, between a clock of theirs and ours.
TOLERANCE = 300

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class Unproven(ValueError):
    """What came back does not prove to be the hook's answer to our question; the text says why, for people."""


class Signer:
    """Signs by every secret that it holds, and believes what is signed by any of them.

    Args:
        secrets: the bytes behind each, at least one.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)

    @classmethod
    def read(cls, name: str, text: str) -> Signer:
        """One secret, or two with space or a line end between them, each `whsec_` and Base64. Raises InventoryFault."""
        words = text.split()
        if not 0 < len(words) <= MOST_SECRETS:
            raise fault(name, f"must be one secret, or {MOST_SECRETS} with a space between them while one takes over")
        return cls([_secret(name, word) for word in words])

    def sign(self, identifier: str, timestamp: str, body: bytes) -> str:
        """What goes into the header of signatures: one for each secret, with a space between them."""
        signed = f"{identifier}.{timestamp}.".encode() + body
        digests = [hmac.digest(secret, signed, "sha256") for secret in self._secrets]
        return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)

    def check(self, headers: Mapping[str, str], body: bytes, identifier: str, now: float) -> None:
        """Whether this is what the hook answered to the question with that id, and not long ago.

        Args:
            headers: of the answer.
            now: seconds since 1970, by our clock.

        Raises: Unproven.
        """
        given = {name.lower(): value for name, value in headers.items()}
        if not {ID, TIMESTAMP, SIGNATURE} <= given.keys():
            raise Unproven("it is not signed")
        if not self._is_signed(given[ID], given[TIMESTAMP], given[SIGNATURE], body):
            raise Unproven("its signature is wrong")
        if given[ID] != identifier:
            raise Unproven("it answers another question")
        if not re.fullmatch(r"[0-9]{1,12}", given[TIMESTAMP]) or abs(now - int(given[TIMESTAMP])) > TOLERANCE:
            raise Unproven(f"its time is not within {TOLERANCE // 60} minutes of ours")

    def is_in(self, text: str) -> bool:
        """Whether one of the secrets stands in this text, in the form in which people hold it."""
        return any(base64.b64encode(secret).decode() in text for secret in self._secrets)

    def _is_signed(self, identifier: str, timestamp: str, signatures: str, body: bytes) -> bool:
        ours = self.sign(identifier, timestamp, body).split()
        pairs = [(one.encode(), given.encode()) for one in ours for given in signatures.split()]
        return any(hmac.compare_digest(one, given) for one, given in pairs)


def _secret(name: str, word: str) -> bytes:
    try:
        secret = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except ValueError:
        secret = b""
    if not word.startswith(PREFIX) or not SHORTEST <= len(secret) <= LONGEST:
        raise fault(name, f"must be {PREFIX} and {SHORTEST} to {LONGEST} bytes in Base64")
    return secret
