"""Verdicts as a table: what the points said, how long ago the changes were in place, what follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidents.domain.verdicts import Mark, Proof, Watched, judge

NOW = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
PROOF = Proof(in_a_row=2, settle=timedelta(seconds=3), within=timedelta(seconds=60))

RESTORED = Watched(False, Mark.PASS, right=2)
ALMOST = Watched(False, Mark.PASS, right=1)
STILL_RED = Watched(False, Mark.FAIL, wrong=9)
TURNED_RED = Watched(True, Mark.FAIL, wrong=2)
BLINKED = Watched(True, Mark.FAIL, wrong=1)
BROKEN = Watched(False, Mark.ERROR)
UNSURE = Watched(False, Mark.INCONCLUSIVE)
NEVER = Watched(None, None)
KEPT_RED = Watched(False, Mark.FAIL, wrong=1, needed=False)
KEPT_GREEN = Watched(True, Mark.PASS, right=2, needed=False)
GOT_WORSE = Watched(True, Mark.FAIL, wrong=2, needed=False)
NOT_SEEN = Watched(False, Mark.ERROR, needed=False)


@pytest.mark.parametrize(
    ("points", "seconds", "verdict"),
    [
        ([RESTORED], 0, Mark.PASS),
        ([RESTORED, ALMOST], 0, None),
        ([RESTORED, STILL_RED], 10, None),
        ([RESTORED, STILL_RED], 60, Mark.INCONCLUSIVE),
        ([STILL_RED], 60, Mark.INCONCLUSIVE),
        ([RESTORED, TURNED_RED], 1, None),
        ([RESTORED, TURNED_RED], 3, Mark.FAIL),
        ([RESTORED, BLINKED], 30, None),
        ([BROKEN], 10, None),
        ([BROKEN, NEVER], 60, Mark.ERROR),
        ([BROKEN, RESTORED], 60, Mark.INCONCLUSIVE),
        ([UNSURE], 60, Mark.INCONCLUSIVE),
        ([], 0, Mark.INCONCLUSIVE),
        # A step on the way: what was red may stay red, what was green must stay green.
        ([KEPT_RED, KEPT_GREEN], 0, Mark.PASS),
        ([KEPT_RED, GOT_WORSE], 1, None),
        ([KEPT_RED, GOT_WORSE], 3, Mark.FAIL),
        ([KEPT_GREEN, NOT_SEEN], 10, None),
        ([NOT_SEEN], 60, Mark.ERROR),
        ([KEPT_RED, RESTORED], 0, Mark.PASS),
    ],
)
def test_judge(points: list[Watched], seconds: int, verdict: Mark | None) -> None:
    assert judge(points, NOW - timedelta(seconds=seconds), NOW, PROOF) == verdict
