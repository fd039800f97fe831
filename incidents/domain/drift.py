"""What is, held against what should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from incidents.domain.canonical import Json
from incidents.domain.changes import State, same, settings_of


class Verdict(StrEnum):
    """What comes of comparing one side of a resource at one location."""

    DRIFTED = "drifted"
    UNSEEN = "not seen"
    AWAY = "changed for a while"  # on purpose: it is as a run has left it that puts it back by itself
    UNPROVEN = "never proven"
    AS_GOOD = "as it should be"


class Difference(NamedTuple):
    """One setting that differs; None where it is not set at all."""

    field: str
    now: Json
    good: Json


def judge(now: State | None, good: State | None, away: Sequence[State]) -> Verdict:
    """Compares the settings of two states; what a backend tells besides is never compared.

    Args:
        now: what was observed; None when nobody could see it.
        good: what was proven good; None when nothing ever was, so there is nothing to compare with.
        away: states in which it is on purpose, for a while.
    """
    if good is None:
        return Verdict.UNPROVEN
    if now is None:
        return Verdict.UNSEEN
    if same(now, good):
        return Verdict.AS_GOOD
    return Verdict.AWAY if any(same(now, state) for state in away) else Verdict.DRIFTED


def differences(now: State, good: State) -> Iterator[Difference]:
    """The settings that differ, in the order of their names."""
    one, other = settings_of(now), settings_of(good)
    for field in sorted(one.keys() | other.keys()):
        if one.get(field) != other.get(field):
            yield Difference(field, one.get(field), other.get(field))
