"""Canonical JSON (RFC 8785) and digests of it: what a plan's digest and an audit leaf are made of.

Only the part of JSON that we write: objects with ASCII keys, arrays, strings, booleans, null and
integers of at most 53 bits. Floats are refused, so the number formatting of RFC 8785 section 3.2.2.3
never matters, and ASCII keys sort the same by UTF-16 code unit as by code point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

# RFC 8785 section 3.2.2.3 (IEEE 754 doubles): integers above this lose digits in other readers.
LARGEST_INTEGER = 2**53 - 1


def encode(value: Json) -> bytes:
    """The one byte form of `value`.

    Raises:
        TypeError: a float, a key that is no ASCII string, or another type that has no place here.
        ValueError: an integer above 53 bits, or text that is no Unicode (a lone surrogate).
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def decode(data: bytes) -> Json:
    """The value behind canonical bytes. Raises ValueError on anything that is not JSON."""
    value: Json = json.loads(data)
    return value


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, in lower-case hexadecimal."""
    return hashlib.sha256(encode(value)).hexdigest()


def _check(value: object) -> None:
    if value is None or isinstance(value, (bool, str)):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValueError(f"{value} does not fit into 53 bits")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise TypeError(f"a key must be ASCII text, not {key!r}")
            _check(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical form here")
