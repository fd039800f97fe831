"""What a token of the API may be used for, and what one looks like. It never gives more than its person may do."""

from __future__ import annotations

import re
from enum import StrEnum

# A name that secret scanners can look for; then the part by which it is found, and the secret itself.
MARK = "hr_"
# 12 letters find the row (60 bits), 43 letters of base64url are 256 random bits.
SHAPE = re.compile(r"hr_[a-z2-7]{12}_[A-Za-z0-9_-]{43}", re.ASCII)
PREFIX_LENGTH = len(MARK) + 12


class Scope(StrEnum):
    """One thing that a token may be used for; none of them holds another."""

    READ = "read"
    PROPOSE = "propose"  # makes previews: looks at the network, and changes nothing
    RUN = "run"  # starts, stops and continues runs


def prefix_of(token: str) -> str:
    """The part by which it is found; empty for what cannot be a token."""
    return token[:PREFIX_LENGTH] if SHAPE.fullmatch(token) else ""
