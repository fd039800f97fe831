"""When a second person is asked for, and who may be one: tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incidents.domain.approvals import Human, Why, may_agree, needed
from tests.domain.test_plans import TERMS


@pytest.mark.parametrize(
    ("tier", "above", "resources", "unknown", "expected"),
    [
        (1, None, 300, False, ()),
        (2, None, 300, False, ()),
        (3, None, 1, False, (Why.TIER,)),
        (1, 0, 1, False, (Why.SIZE,)),
        (1, 10, 10, False, ()),
        (1, 10, 11, False, (Why.SIZE,)),
        (1, None, 1, True, (Why.ON_CALL_UNKNOWN,)),
        (3, 5, 6, True, (Why.TIER, Why.SIZE, Why.ON_CALL_UNKNOWN)),
    ],
)
def test_when(tier: int, above: int | None, resources: int, unknown: bool, expected: tuple[Why, ...]) -> None:
    terms = replace(TERMS, tier=tier, second_person_above=above)
    assert needed(terms, resources, on_call_unknown=unknown) == expected


def by(*inviters: str, account: str = "b") -> Human:
    return Human(account, family=frozenset(inviters))


@pytest.mark.parametrize(
    ("asked", "agrees", "code"),
    [
        (Human("a"), Human("b"), ""),
        (Human("a", "badge 1"), Human("b", "badge 2"), ""),
        (Human("a"), Human("a"), "approval.own"),
        (Human("a", "badge 1"), Human("b", "badge 1"), "approval.same-human"),
        (Human("a", ""), Human("b", ""), ""),
        (Human("a"), by("a"), "approval.invited"),
        (by("b", account="a"), Human("b"), "approval.invited"),
        (by("c", account="a"), by("c"), "approval.invited"),
        (by("c", "d", account="a"), by("d"), "approval.invited"),
        (by("c", account="a"), by("d"), ""),
        (Human("a", "badge 1"), by("a2", "badge 1"), "approval.invited"),
        (by("a", "badge 1", account="p"), by("a2", "badge 1"), "approval.invited"),
        (by("c", account="a"), Human("b", "badge 2"), ""),
        (Human("c", "badge 1"), by("c"), "approval.invited"),
        (replace(by("c", account="a"), identity="badge 1"), replace(by("c"), identity="badge 2"), ""),
        (
            replace(by("c", account="a"), identity="badge 1"),
            replace(by("d"), identity="badge 1"),
            "approval.same-human",
        ),
    ],
)
def test_who(asked: Human, agrees: Human, code: str) -> None:
    assert may_agree(asked, agrees) == code
