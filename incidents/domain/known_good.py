"""Whether a known-good state is as it was when it was proven."""

from __future__ import annotations

import hashlib
import json

from incidents.domain.changes import State, settings_of

# The canonical form of `domain.canonical` without its checks, for these are asked for 10,000 states in each round of
# the poller: what could not be written canonically has no digest that it could match. A test holds the two together.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def digest_now(state: State) -> str:
    """The digest that this state has as it is; empty where it can have none."""
    try:
        return hashlib.sha256(_encode(settings_of(state)).encode()).hexdigest()
    except (AttributeError, RecursionError, TypeError, ValueError):
        return ""


def is_whole(state: State, digest: str) -> bool:
    """Whether the state is the one that the digest was taken of. What people call it (`label`) is not covered."""
    return bool(digest) and digest_now(state) == digest


def is_damaged(state: State | None, digest: str | None) -> bool:
    """The contrary, of what may not be there at all: what is not there is not damaged."""
    return digest is not None and not is_whole(state or {}, digest)
