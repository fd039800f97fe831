"""Sets of public keys as text, for a readable difference; and the private parts that must never stand among them.

A set is a JWK Set (RFC 7517), which a SPIFFE bundle is too, or a bundle of PEM blocks (RFC 7468). Texts come from
outside: what is said of one quotes nothing of it, and the time it takes grows with its length and no faster.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.domain.pem import blocks, decoded, ders, is_private, kind_of

LONGEST_KID = 200
# What a name of a type or a curve may look like to be shown.
_WORD = re.compile(r"[A-Za-z0-9._ -]{1,40}")

# Members of a JWK that are private: RFC 7518 sections 6.2.2, 6.3.2 and 6.4, and `priv` of the keys of ML-DSA ("AKP").
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
# By these an object is known as a JWK, wherever it stands.
_OF_A_KEY = frozenset({"kty", "crv", "kid", "x5c"})
# What a thumbprint is made of, in its order: RFC 7638 section 3.2, RFC 8037 section 2.
_THUMBPRINT = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "AKP": ("alg", "kty", "pub"),
}
_MARKS = (
    (re.compile(r"-\s{0,3}(?:BEGIN|END)[^-]{0,60}?PRIVATE\s{0,3}KEY", re.IGNORECASE), "a private key in PEM"),
    (re.compile(r"PuTTY-User-Key-File", re.IGNORECASE), "a private key of PuTTY"),
    (re.compile(r"AGE-SECRET-KEY-", re.IGNORECASE), "a private key of age"),
    (re.compile(r"b3BlbnNzaC1rZXktdj"), "a private key of OpenSSH"),  # base64 of `openssh-key-v`
)
# A private member in what is no JSON, or not any more.
_LOOSE = re.compile(
    r"(?<![A-Za-z0-9_-])(priv|dp|dq|qi|oth|[dpqk])\\{0,4}[\"']?\s{0,20}[:=]\s{0,20}\\{0,4}[\"']?[A-Za-z0-9_-]{16}",
    re.IGNORECASE,
)
_LOOSE_SYMMETRIC = re.compile(r"kty\\{0,4}[\"']?\s{0,20}[:=]\s{0,20}\\{0,4}[\"']?oct\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_SECRET = re.compile(r"[A-Za-z0-9_+/=-]{20,}")
# A private key in DER, as base64 of it begins; and a PEM block in base64 once more.
_CODED = ("M", "LS0t")
SHORTEST_CODED = 40
# Of all that is looked for in text, `{"kty":"oct"}` is the shortest.
SHORTEST = 12


@dataclass(frozen=True, slots=True)
class KeyNote:
    """One public key of a set, for people.

    Args:
        id: its `kid`; without one that can be shown, its thumbprint (RFC 7638, base64url of SHA-256); of a PEM block
            the SHA-256 of its DER, in hexadecimal.
        kind: such as `RSA`, `EC P-256`, `OKP Ed25519` or `certificate`.
    """

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object with all of its members, also those of one name."""

    pairs: Sequence[tuple[str, object]]


def private_part(text: str) -> str:
    """What of a private key this text holds, such as `a private key in PEM`; empty where nothing was found.

    Finds PEM blocks of every kind of private key, private keys in DER whatever their block calls them, and private or
    symmetric JWKs anywhere in JSON, also inside its strings and with names in another case, for there are readers that
    take them. In text of another kind it finds what looks like one of these.
    """
    waiting: list[tuple[object, bool]] = [(text, False)]
    while waiting:
        value, listed = waiting.pop()
        if isinstance(value, str):
            if len(value) < SHORTEST:
                continue
            parsed = _parsed(value)
            if found := _in_text(value) or (_in_loose(value) if parsed is None else ""):
                return found
            waiting.append((parsed, False))
        elif isinstance(value, list):
            waiting += [(item, listed) for item in value]
        elif isinstance(value, _Object):
            if found := _in_object(value, listed):
                return found
            waiting += [(name, False) for name, _ in value.pairs]
            waiting += [(item, _plain(name) == "keys") for name, item in value.pairs]
    return ""


def keys_in(text: str) -> tuple[KeyNote, ...]:
    """Every key of a set, in its order; at least one.

    Raises:
        ValueError: it is no set, or holds something private. Its text goes on from the name of the set: `it ...`.
    """
    if found := private_part(text):
        raise ValueError(f"it holds {found}")
    return _of_json(text) if _is_json(text) else _of_pem(text)


def _in_text(text: str) -> str:
    """Looks at one piece of text by itself, be it a document or a string in it."""
    for mark, words in _MARKS:
        if mark.search(text):
            return words
    if any(is_private(der) for der in ders(text)):
        return "a private key that is called a public one"
    if len(text) >= SHORTEST_CODED and text.startswith(_CODED):
        coded = decoded(_padded(text))
        if is_private(coded, whole=True):
            return "a private key in DER"
        if any(mark.search(coded.decode("latin-1")) for mark, _ in _MARKS):
            return "a private key in base64"
    return ""


def _padded(text: str) -> str:
    """base64url, or base64 without its end, as base64."""
    bare = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return bare + "=" * (-len(bare) % 4)


def _in_object(value: _Object, listed: bool) -> str:
    """Looks at the members of one object; `listed` where it stands in a list of keys."""
    members = [(_plain(name), item) for name, item in value.pairs]
    if any(name == "kty" and isinstance(item, str) and _plain(item) == "oct" for name, item in members):
        return "a symmetric key"
    is_key = listed or any(name in _OF_A_KEY for name, _ in members)
    for name, item in members:
        if name in _PRIVATE and (is_key or (isinstance(item, str) and _SECRET.fullmatch(item))):
            return _words(name)
    return ""


def _in_loose(text: str) -> str:
    """Looks for members of a JWK in what cannot be read as JSON."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else text
    if "kty" not in plain.casefold():
        return ""
    if _LOOSE_SYMMETRIC.search(plain):
        return "a symmetric key"
    found = _LOOSE.search(plain)
    return _words(found[1].casefold()) if found else ""


def _words(member: str) -> str:
    return "a symmetric key" if member == "k" else f"the private part {member} of a key"


def _plain(name: str) -> str:
    """A name as the most careless reader takes it."""
    return name.strip().casefold()


def _is_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def _parsed(text: str) -> object:
    """The JSON object or list in a text; None where there is none."""
    try:
        return _read(text, strict=False) if _is_json(text) else None
    except ValueError:
        return None


def _read(text: str, strict: bool) -> object:
    """JSON with `_Object` for its objects. Where it is strict, a member that is named twice is a fault.

    Raises ValueError.
    """

    def keep(pairs: list[tuple[str, object]]) -> _Object:
        if strict and len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("it names a member twice, which readers take differently")
        return _Object(pairs)

    def constant(name: str) -> float:
        if strict:
            raise ValueError("it holds a number that JSON does not have")
        return float(name)

    try:
        # Numbers mean nothing here, and a float takes any number of digits.
        plain = text.lstrip("\ufeff")
        return json.loads(plain, object_pairs_hook=keep, parse_int=float, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON from line {error.lineno}, column {error.colno} on") from None
    except RecursionError:
        raise ValueError("it is nested too deeply to be a set of keys") from None


def _of_json(text: str) -> tuple[KeyNote, ...]:
    value = _read(text, strict=True)
    keys = dict(value.pairs).get("keys") if isinstance(value, _Object) else None
    if not isinstance(keys, list):
        raise ValueError("it is JSON without a list of keys")
    if not keys:
        raise ValueError("it holds no key")
    return tuple(_of_jwk(key, number) for number, key in enumerate(keys, 1))


def _of_jwk(key: object, number: int) -> KeyNote:
    members = dict(key.pairs) if isinstance(key, _Object) else {}
    kty, kid, curve = (members.get(name) for name in ("kty", "kid", "crv"))
    if not isinstance(kty, str) or not kty:
        raise ValueError(f"its key number {number} has no kty")
    shown = isinstance(kid, str) and kid.isprintable() and 0 < len(kid) <= LONGEST_KID
    words = [word if _WORD.fullmatch(word) else "?" for word in (kty, curve) if isinstance(word, str)]
    return KeyNote(str(kid) if shown else _thumbprint(kty, members), " ".join(words))


def _thumbprint(kty: str, members: Mapping[str, object]) -> str:
    """RFC 7638; of a key whose type or members we do not know, of all text that it holds."""
    needed = _THUMBPRINT.get(kty, ())
    known = needed and all(isinstance(members.get(name), str) for name in needed)
    made = {name: item for name, item in members.items() if isinstance(item, str) and (name in needed or not known)}
    text = json.dumps(made, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().rstrip("=")


def _of_pem(text: str) -> tuple[KeyNote, ...]:
    found = []
    for number, (label, body) in enumerate(blocks(text), 1):
        der = decoded(body)
        if not der:
            raise ValueError(f"its block number {number} is no base64")
        if label not in ("CERTIFICATE", "PUBLIC KEY"):
            raise ValueError(f"its block number {number} is neither a certificate nor a public key")
        found.append(
            KeyNote(hashlib.sha256(der).hexdigest(), "certificate" if label == "CERTIFICATE" else kind_of(der))
        )
    if not found:
        raise ValueError("it is neither a set of keys in JSON nor a bundle in PEM")
    return tuple(found)
