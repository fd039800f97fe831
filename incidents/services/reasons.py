"""The words with which people say why: kept in the audit log, so they must be there and of a length that fits."""

from __future__ import annotations

from incidents.domain.errors import Refused

# What a column for a reason holds.
LONGEST = 300


def need(text: str, problem: str, most: int = LONGEST) -> str:
    """The text without the space round it. Raises Refused with `problem` where nothing is left, or too much."""
    said = text.strip()
    if not said:
        raise Refused(problem)
    if len(said) > most:
        raise Refused(f"{problem} Write at most {most} characters.")
    return said
