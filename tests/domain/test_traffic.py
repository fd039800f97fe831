"""Steps of traffic: they never overshoot, never strand, and end where they should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.changes import State
from incidents.domain.traffic import Member, describe, effective, on_the_way, unsafe

states = st.builds(
    lambda weight, mode: {"weight": weight, "mode": mode}, st.integers(0, 256), st.sampled_from(("ready", "drain"))
)


@given(states, states, st.lists(st.integers(1, 99), unique=True).map(sorted))
def test_steps_go_one_way_and_end_at_the_goal(before: State, after: State, percents: list[int]) -> None:
    start, goal = effective(before), effective(after)
    weights = [effective(on_the_way(before, after, percent)) for percent in [*percents, 100]]
    assert weights[-1] == goal
    assert all(min(start, goal) <= weight <= max(start, goal) for weight in weights)
    assert weights == sorted(weights, reverse=goal < start)
    # What shall serve does so from the first step on: a share that rounds to nothing would prove nothing.
    assert goal == 0 or all(weights)


@given(st.lists(st.tuples(st.integers(0, 256), st.booleans(), st.integers(0, 256)), min_size=1, max_size=6))
def test_it_never_lets_traffic_go_only_where_nobody_answers(rows: list[tuple[int, bool, int]]) -> None:
    members = [Member(str(number), capacity, ready, (weight,)) for number, (capacity, ready, weight) in enumerate(rows)]
    against = [finding.code for finding in unsafe("shop-web", members, 50)]
    served = any(weight and ready for _, ready, weight in rows)
    assert served or against == ["guard.stranded"]


@pytest.mark.parametrize(("mode", "words"), [("ready", "share 40"), ("drain", "no traffic"), ("maint", "no traffic")])
def test_shares_in_words(mode: str, words: str) -> None:
    assert describe({"weight": 40, "mode": mode}) == words
