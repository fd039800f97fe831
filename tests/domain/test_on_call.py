"""Whose turn it is, by the clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidents.domain.on_call import STALE, Shift, Turns, on_answer, on_rota, read_shift, read_turns

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TURNS = Turns(("one", "two", "three"), START, 12)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("hours", "whose"),
    [(-1, ""), (0, "one"), (11, "one"), (12, "two"), (35, "three"), (36, "one"), (36 * 100 + 13, "two")],
)
def test_turns_go_round(hours: int, whose: str) -> None:
    now = START + hours * HOUR
    assert TURNS.whose(now) == whose
    assert [name for name in TURNS.people if on_rota(TURNS, (), name, now)] == ([whose] if whose else [])


def test_a_shift_replaces_whose_turn_it_is() -> None:
    shifts = (Shift("two", START + HOUR, START + 2 * HOUR),)
    inside, after = START + HOUR, START + 2 * HOUR
    assert (on_rota(TURNS, shifts, "two", inside), on_rota(TURNS, shifts, "one", inside)) == (True, False)
    assert (on_rota(TURNS, shifts, "two", after), on_rota(TURNS, shifts, "one", after)) == (False, True)


def test_in_a_gap_nobody_is_on_call() -> None:
    assert not on_rota(None, (Shift("one", START, START + HOUR),), "one", START + HOUR)


def test_json_there_and_back() -> None:
    shift = Shift("one", START, START + HOUR)
    assert (read_turns(TURNS.as_json()), read_turns({}), read_shift(shift.as_json())) == (TURNS, None, shift)
    with pytest.raises(TypeError):
        read_turns({"people": "one", "since": START.isoformat(), "hours": 12})


@pytest.mark.parametrize(
    ("answer", "age", "expected"),
    [
        (["one"], timedelta(0), True),
        (["two"], timedelta(0), False),
        ([], timedelta(0), False),
        (["one"], STALE, True),
        (["one"], STALE + timedelta(seconds=1), None),
        (None, timedelta(0), None),
    ],
)
def test_an_answer_ages(answer: list[str] | None, age: timedelta, expected: bool | None) -> None:
    assert on_answer(answer, START - age, "one", START) is expected
