"""Ed25519 keys of the log and of witnesses, and the signatures that they make on notes.

A secret key is one line, `PRIVATE+KEY+name+hex(id)+base64(kind || seed)`, as the tools that come with the format write
it (https://pkg.go.dev/golang.org/x/mod/sumdb/note#GenerateKey), so that a key can be made elsewhere and brought along.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from incidents.domain.notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Malformed,
    Note,
    Signature,
    VerifierKey,
    cosigned_text,
    read_checkpoint,
    read_note,
    read_verifier_key,
)

PREFIX = "PRIVATE+KEY+"
SEED_SIZE = 32
# tlog-cosignature: eight bytes of POSIX seconds before the 64 of the signature.
TIME_SIZE = 8


class Unsigned(Exception):
    """No key that is trusted has signed this as it stands."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs under a name. Its text is a secret; it is never part of a message or of `repr`."""

    name: str
    seed: bytes = field(repr=False)
    kind: int = ED25519

    @property
    def verifier(self) -> VerifierKey:
        """What others need to verify by."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw(), self.kind)

    def sign(self, text: str) -> Signature:
        """The signature of a log on the text of a note; always the same for the same text (RFC 8032)."""
        return Signature(self.name, self.verifier.id, self._signed(text))

    def cosign(self, text: str, moment: int) -> Signature:
        """The signature of a witness on the text of a checkpoint that it saw at `moment`, in POSIX seconds."""
        value = moment.to_bytes(TIME_SIZE) + self._signed(cosigned_text(moment, text))
        return Signature(self.name, self.verifier.id, value)

    def secret(self) -> str:
        """The line that goes into the key's file."""
        encoded = base64.b64encode(bytes((self.kind,)) + self.seed).decode()
        return f"{PREFIX}{self.name}+{self.verifier.id.hex()}+{encoded}"

    def _signed(self, text: str) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())


def make_key(name: str, kind: int = ED25519) -> SigningKey:
    """A new key. Raises Malformed where nothing can be signed under that name."""
    key = SigningKey(name, secrets.token_bytes(SEED_SIZE), kind)
    read_verifier_key(str(key.verifier))
    return key


def read_key(text: str) -> SigningKey:
    """The key of such a line. Raises Malformed; the message never holds any of it."""
    parts = text.strip().removeprefix(PREFIX).split("+", 2)
    if not text.startswith(PREFIX) or len(parts) != 3:
        raise Malformed(f"a secret key is one line that begins with {PREFIX}")
    try:
        kind, *seed = base64.b64decode(parts[2], validate=True)
    except ValueError as error:
        raise Malformed("a secret key that is no base64") from error
    if kind not in (ED25519, COSIGNATURE) or len(seed) != SEED_SIZE:
        raise Malformed("a secret key of a kind that is not known here: it must be an Ed25519 key")
    key = SigningKey(parts[0], bytes(seed), kind)
    if key.verifier.id.hex() != parts[1]:
        raise Malformed("a secret key whose id does not belong to it: was it copied as a whole?")
    return key


def write_key(key: SigningKey, path: Path) -> None:
    """Puts a key into a new file that only its owner reads. Raises FileExistsError: a key is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{key.secret()}\n")
        file.flush()
        os.fsync(file.fileno())


def verify(note: Note, trusted: Sequence[VerifierKey]) -> list[VerifierKey]:
    """The trusted keys that signed the note.

    Raises:
        Unsigned: none did, or a signature that says it is of a trusted key is not.
    """
    found = []
    for signature in note.signatures:
        for key in trusted:
            if (key.name, key.id) == (signature.name, signature.key_id):
                if not _holds(key, signature.value, note.text):
                    raise Unsigned(f"a signature that says it is of {key.name} is not")
                found.append(key)
    if not found:
        raise Unsigned("no key that is trusted has signed it")
    return found


def open_checkpoint(data: str, origin: str, trusted: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint of a signed note.

    Args:
        origin: the log that it must be of.
        trusted: keys of the log, one of which must have signed.

    Raises:
        Malformed: it is no checkpoint, or one of another log.
        Unsigned: see `verify`.
    """
    note = read_note(data)
    verify(note, trusted)
    checkpoint = read_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise Malformed("a checkpoint of another log")
    return checkpoint


def _holds(key: VerifierKey, value: bytes, text: str) -> bool:
    signed = text
    if key.kind == COSIGNATURE:
        moment = int.from_bytes(value[:TIME_SIZE])
        value, signed = value[TIME_SIZE:], cosigned_text(moment, text)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, signed.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
