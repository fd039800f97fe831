"""PEM blocks (RFC 7468) and the beginnings of the DER in them: enough to tell a private key from what is public."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

# How the DER of a public key names what it is of: object identifiers of RFC 3279, 5480 and 8410.
_IDENTIFIERS = (
    (bytes.fromhex("06092a864886f70d010101"), "RSA"),
    (bytes.fromhex("06082a8648ce3d030107"), "EC P-256"),
    (bytes.fromhex("06052b81040022"), "EC P-384"),
    (bytes.fromhex("06052b81040023"), "EC P-521"),
    (bytes.fromhex("06032b6570"), "OKP Ed25519"),
    (bytes.fromhex("06032b6571"), "OKP Ed448"),
)
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
_EDGE = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----")
# A line of base64 that is in no block, and no fingerprint either.
_STRAY = re.compile(r"(?![0-9A-Fa-f]{64}\b)[A-Za-z0-9+/]{64}")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """What each PEM block calls itself, and its base64. Raises ValueError."""
    label, body = "", list[str]()
    for line in map(str.strip, text.splitlines() if "-----" in text else ()):
        edge = _EDGE.fullmatch(line)
        if edge is None and label:
            body.append(line)
        elif edge is None:
            if _STRAY.search(line):
                raise ValueError("it holds something between its blocks that could be a key")
        elif edge[1] == "BEGIN" and not label:
            label, body = edge[2], []
        elif edge[1] == "END" and edge[2] == label:
            yield label, "".join(body)
            label = ""
        else:
            raise ValueError("it has a block that does not end where the next one begins")
    if label:
        raise ValueError("it has a block without an end")


def ders(text: str) -> Iterator[bytes]:
    """What is in the PEM blocks, as far as they can be read."""
    try:
        for _, body in blocks(text):
            yield decoded(body)
    except ValueError:
        return


def decoded(text: str) -> bytes:
    """The bytes behind base64 with or without blanks; none where it is no base64."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return b""


def is_private(der: bytes, whole: bool = False) -> bool:
    """Whether DER begins as private keys do: with a version (PKCS #1, #8 and #12, SEC 1), or encrypted (PKCS #8).

    Public ones begin with a sequence and go on with a sequence or a bit string, or are two long numbers.

    Args:
        whole: only if it ends where it says that it ends, as what merely looks like it hardly ever does.
    """
    tag, inner, end = _part(der, 0)
    if tag != _SEQUENCE or (whole and end != len(der)):
        return False
    first, begins, ends = _part(der, inner)
    if first == _INTEGER:
        return ends - begins == 1
    return first == _SEQUENCE and _part(der, ends)[0] == _OCTETS


def _part(der: bytes, at: int) -> tuple[int, int, int]:
    """Of the element there: its tag, and where its content begins and ends. All zero where there is none."""
    if at + 2 > len(der):
        return 0, 0, 0
    size = der[at + 1]
    if size < 0x80:
        return der[at], at + 2, at + 2 + size
    begins = at + 2 + (size & 0x7F)
    return der[at], begins, begins + int.from_bytes(der[at + 2 : begins], "big")


def kind_of(der: bytes) -> str:
    """Of a public key, by the identifiers at its beginning."""
    return next((kind for identifier, kind in _IDENTIFIERS if identifier in der[:40]), "public key")
