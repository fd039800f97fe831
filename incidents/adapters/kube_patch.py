"""JSON merge patches (RFC 7396): the smallest one that leads from one object to another, and what one does.

A merge patch merges maps, so a key that must go is sent as null; lists are replaced whole. So null itself cannot be
written: an object that holds one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from incidents.domain.canonical import Json, JsonObject, encode


def diff(now: JsonObject, after: JsonObject) -> JsonObject:
    """The patch that makes `after` out of `now`; empty when they are equal.

    Raises:
        ValueError: `after` holds a null as a member of an object, which no merge patch can write.
    """
    patch: dict[str, Json] = {key: None for key in now if key not in after}
    for key, wanted in after.items():
        check_writable(wanted)
        there = now.get(key)
        if isinstance(wanted, Mapping) and isinstance(there, Mapping):
            if inner := diff(there, wanted):
                patch[key] = inner
        elif key not in now or there != wanted:
            patch[key] = wanted
    return patch


def apply_merge_patch(now: Json, patch: Json) -> Json:
    """What a server makes of `now`; RFC 7396 section 2, word by word."""
    if not isinstance(patch, Mapping):
        return patch
    made = dict(now) if isinstance(now, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = apply_merge_patch(made.get(key), value)
    return made


def check_writable(value: Json) -> None:
    """Raises ValueError for a null, wherever it stands: servers do not agree on what one within a list means."""
    if value is None:
        raise ValueError("it holds a null, which cannot be written")
    if isinstance(value, Mapping):
        for item in value.values():
            check_writable(item)
    elif isinstance(value, list | tuple):
        for item in value:
            check_writable(item)


def check_exact(value: Json, what: str) -> None:
    """Raises ValueError when `what`, which is this, cannot be kept exactly: it holds a fraction, or what is no text."""
    try:
        encode(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be kept exactly: {error}") from None


def without_nulls(value: JsonObject) -> JsonObject:
    """The same without members that are null: to Kubernetes both are one, and older servers write some of them."""
    return {key: _clean(item) for key, item in value.items() if item is not None}


def _clean(value: Json) -> Json:
    if isinstance(value, Mapping):
        return without_nulls(value)
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value
