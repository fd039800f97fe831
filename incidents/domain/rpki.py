"""What the RPKI says of an origin (RFC 6811): whom the holder of the addresses allows to announce them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """RFC 6811 section 2, and what a validator that is silent or stale amounts to."""

    VALID = "valid"  # a VRP covers the prefix, names this AS and allows this length
    INVALID = "invalid"  # covered, but by none that names this AS and allows this length
    NOT_FOUND = "not-found"  # not covered by any
    UNKNOWN = "unknown"  # the validator did not answer, or has not been fresh for too long


@dataclass(frozen=True, slots=True)
class Validity:
    """One answer.

    Args:
        reason: why it is invalid: `as` or `length`; empty otherwise.
        roas: what covers the prefix, such as `AS64496 203.0.113.0/24 max /24`.
        detail: why it is unknown, for people.
    """

    state: Origin
    reason: str = ""
    roas: tuple[str, ...] = ()
    detail: str = ""
