"""When changes are too fast, too broad, or fail too often."""

from __future__ import annotations

import pytest

from incidents.domain.blast_radius import too_much, too_often
from incidents.domain.terms import Breaker

BROAD = "21 of 209 changed within 10 minutes, and none of it a repair, are more than a share that is safe."
LIMITS = Breaker(damage=100, damage_percent=10, rescues=1000, failures=5, minutes=10)


@pytest.mark.parametrize(
    ("rescue", "touched", "of_all", "said"),
    [
        (False, 20, 20, ""),  # of a platform this small everything may be one customer's
        (False, 21, 209, BROAD),
        (False, 21, 210, ""),
        (False, 100, 10_000, ""),
        (False, 101, 10_000, "101 changes that repair nothing within 10 minutes are more than 100."),
        (True, 101, 101, ""),
        (True, 1000, 1000, ""),
        (True, 1001, 100_000, "1001 repairs within 10 minutes are more than 1000."),
    ],
)  # fmt: skip
def test_too_much(rescue: bool, touched: int, of_all: int, said: str) -> None:
    assert too_much(LIMITS, rescue=rescue, touched=touched, of_all=of_all) == said


@pytest.mark.parametrize(
    ("failed", "ended", "said"),
    [
        (4, 4, ""),
        (5, 10, ""),
        (5, 9, "5 of 9 runs within 10 minutes did not work."),
    ],
)
def test_too_often(failed: int, ended: int, said: str) -> None:
    assert too_often(LIMITS, failed=failed, ended=ended) == said
