"""Signed notes, checkpoints and receipts, to the letter of C2SP: what they look like, and nothing of any key.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature and
https://c2sp.org/tlog-proof. Signing and verifying is `incidents.audit.keys`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from incidents.domain.tree import LONGEST_PROOF

# signed-note: how signatures begin, and which kinds of key we know.
DASH = "\u2014"
ED25519, COSIGNATURE = 0x01, 0x04
# signed-note asks to accept 16 signatures at least, and to have a limit.
MOST_SIGNATURES = 32
LARGEST_NOTE = 100_000
# A checkpoint with proof and entry: 65,535 bytes of an entry become 87,380 letters.
LARGEST_RECEIPT = 250_000
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
# Bytes of an Ed25519 public key and of a SHA-256 hash.
KEY_SIZE = HASH_SIZE = 32


class Malformed(ValueError):
    """Not of the form that its specification gives; the message says where."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures are trusted: what a "vkey" says, `name+hex(id)+base64(kind || public key)`."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """signed-note: the first four bytes of SHA-256(name || newline || kind || public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(bytes((self.kind,)) + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line.

    Args:
        key_id: the first four bytes of what is encoded.
        value: the rest, whose form depends on the kind of key.
    """

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{DASH} {self.name} {_encode(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Receipt:
    """That one entry is in the tree of a checkpoint, for whoever wants to check it later, without asking anybody.

    Args:
        index: of the entry, from 0.
        proof: from the entry's sibling up to the child of the root.
        checkpoint: the signed note, as it came.
        extra: not covered by any proof; we put the bytes of the entry there, whose leaf hash is.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = field(default=b"")

    def __str__(self) -> str:
        extra = [f"extra {_encode(self.extra)}"] if self.extra else []
        lines = [PROOF_HEADER, *extra, f"index {self.index}", *map(_encode, self.proof), "", self.checkpoint]
        return "\n".join(lines)


def read_verifier_key(text: str) -> VerifierKey:
    """The key of a vkey. Raises Malformed, also where its id does not belong to it."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _is_name(parts[0]):
        raise Malformed("a public key is NAME+ID+KEY")
    kind, *public = _decode(parts[2], "a public key")
    if kind not in (ED25519, COSIGNATURE) or len(public) != KEY_SIZE:
        raise Malformed("a public key of a kind that is not known here: it must be an Ed25519 key")
    key = VerifierKey(parts[0], bytes(public), kind)
    if key.id.hex() != parts[1]:
        raise Malformed("a public key whose id does not belong to it: was it copied as a whole?")
    return key


def read_note(data: str) -> Note:
    """The parts of a signed note. Raises Malformed. Nothing of it is to be believed before a signature is verified."""
    if len(data) > LARGEST_NOTE:
        raise Malformed(f"a note of more than {LARGEST_NOTE} letters")
    if any(ord(letter) < 32 and letter != "\n" for letter in data):
        raise Malformed("a note with control characters")
    text, blank, lines = data.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Malformed("a note is a text, an empty line, and lines of signatures")
    signed = lines[:-1].split("\n")
    if len(signed) > MOST_SIGNATURES:
        raise Malformed(f"a note with more than {MOST_SIGNATURES} signatures")
    return Note(f"{text}\n", tuple(map(read_signature, signed)))


def read_signature(line: str) -> Signature:
    """The parts of one signature line, without its newline. Raises Malformed."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH or not _is_name(parts[1]):
        raise Malformed("a line of a signature is a dash, a name and base64")
    value = _decode(parts[2], "a signature")
    if len(value) <= 4:
        raise Malformed("a signature that is too short")
    return Signature(parts[1], value[:4], value[4:])


def read_checkpoint(text: str) -> Checkpoint:
    """What the text of a note says of a log; lines after the third are not ours to read. Raises Malformed."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise Malformed("a checkpoint has three lines: origin, size, root")
    origin, size, root = lines[:3]
    return Checkpoint(origin, read_number(size, "the size"), _hash(root))


def read_receipt(data: str) -> Receipt:
    """The parts of a `.tlog-proof`. Raises Malformed; proves nothing by itself."""
    if len(data) > LARGEST_RECEIPT:
        raise Malformed(f"a receipt of more than {LARGEST_RECEIPT} letters")
    head, blank, checkpoint = data.partition("\n\n")
    header, *lines = head.split("\n")
    if header != PROOF_HEADER or not blank:
        raise Malformed(f"a receipt begins with {PROOF_HEADER} and ends with a checkpoint")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "), "the entry")
    if not lines or not lines[0].startswith("index "):
        raise Malformed("a receipt says the index of its entry")
    index = read_number(lines.pop(0).removeprefix("index "), "the index")
    return Receipt(index, read_hashes(lines), checkpoint, extra)


def read_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """A proof, a hash a line. Raises Malformed."""
    if len(lines) > LONGEST_PROOF:
        raise Malformed(f"a proof of more than {LONGEST_PROOF} hashes")
    return tuple(map(_hash, lines))


def cosigned_text(moment: int, text: str) -> str:
    """tlog-cosignature: what a witness signs, `moment` being POSIX seconds."""
    return f"cosignature/v1\ntime {moment}\n{text}"


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(letter.isspace() for letter in text)


def read_number(text: str, what: str) -> int:
    """A decimal number of at most 63 bits, without sign or leading zeroes. Raises Malformed."""
    if not DECIMAL.fullmatch(text) or int(text) >= 2**63:
        raise Malformed(f"{what} is no decimal number of at most 63 bits")
    return int(text)


def _hash(text: str) -> bytes:
    value = _decode(text, "a hash")
    if len(value) != HASH_SIZE:
        raise Malformed("a hash that has not 32 bytes")
    return value


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str, what: str) -> bytes:
    """RFC 4648 section 4, and one way of writing each value only, so that no two texts are one."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"{what} is no base64") from error
    if _encode(value) != text:
        raise Malformed(f"{what} is no canonical base64")
    return value
