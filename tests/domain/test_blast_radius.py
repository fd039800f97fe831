"""When changes are too fast, too broad, or fail too often."""

from __future__ import annotations

import pytest

from incidents.domain.blast_radius import Limits, too_much, too_often

BROAD = "Within 10 minutes 21 of 209 would have been changed in ways that repair nothing. The limit is 10 %."
FAST = "Within 10 minutes 101 things would have been changed in ways that repair nothing. The limit is 100."
MANY = "Within 10 minutes 1001 things would have been repaired. The limit is 1000."
LIMITS = Limits(damage=100, damage_percent=10, rescues=1000, failures=5, minutes=10)


@pytest.mark.parametrize(
    ("rescue", "touched", "of_all", "said"),
    [
        (False, 20, 20, ""),  # of a platform this small everything may be one customer's
        (False, 21, 209, BROAD),
        (False, 21, 210, ""),
        (False, 100, 10_000, ""),
        (False, 101, 10_000, FAST),
        (True, 101, 101, ""),
        (True, 1000, 1000, ""),
        (True, 1001, 100_000, MANY),
    ],
)  # fmt: skip
def test_too_much(rescue: bool, touched: int, of_all: int, said: str) -> None:
    assert too_much(LIMITS, rescue=rescue, touched=touched, of_all=of_all) == said


@pytest.mark.parametrize(
    ("things", "failed", "ended", "said"),
    [
        (4, 9, 9, ""),
        (5, 5, 10, ""),
        (5, 5, 9, "Within 10 minutes 5 of 9 runs did not work."),
    ],
)
def test_too_often(things: int, failed: int, ended: int, said: str) -> None:
    assert too_often(LIMITS, things=things, failed=failed, ended=ended) == said
