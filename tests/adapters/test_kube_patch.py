"""Merge patches: the smallest one leads exactly to what was wanted, by the server's own rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.adapters.kube_patch import apply_merge_patch, diff, without_nulls
from tests.adapters.kubernetes_support import BAD, GOOD
from tests.fakes.kubernetes_recorded import merge

NAMES = st.sampled_from(["a", "b", "labels", "spec"])
VALUES = st.recursive(
    st.integers(0, 3) | st.booleans() | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)
WITH_NULLS = st.dictionaries(NAMES, VALUES | st.none() | st.dictionaries(NAMES, st.none()), max_size=4)


@given(OBJECTS, OBJECTS)
def test_the_patch_leads_from_one_to_the_other(now: Any, after: Any) -> None:
    patch = diff(now, after)
    assert apply_merge_patch(now, patch) == after
    assert merge(now, patch) == after
    assert (patch == {}) is (now == after)


@given(WITH_NULLS, OBJECTS)
def test_nulls_that_stand_there_are_no_obstacle(now: Any, after: Any) -> None:
    made = apply_merge_patch(now, diff(now, after))
    assert isinstance(made, dict)
    assert without_nulls(made) == after


@given(OBJECTS, WITH_NULLS)
def test_our_reading_of_the_standard_is_that_of_the_stand_in(now: Any, patch: Any) -> None:
    assert apply_merge_patch(now, patch) == merge(now, patch)


@pytest.mark.parametrize("after", [{"a": None}, {"a": {"b": None}}, {"a": [{"b": None}]}, {"a": [None]}])
def test_a_null_cannot_be_written_and_is_said_to(after: Any) -> None:
    with pytest.raises(ValueError, match="null"):
        diff({}, after)


def test_a_patch_holds_nothing_that_stays() -> None:
    assert diff(BAD, GOOD) == {"spec": {"containers": GOOD["spec"]["containers"]}}
    more = {**GOOD, "metadata": {"labels": {"app": "checkout", "x": "y"}, "annotations": {"z": "1"}}}
    assert diff(more, GOOD) == {"metadata": {"labels": {"x": None}, "annotations": None}}


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("now", "patch", "made"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(now: Any, patch: Any, made: Any) -> None:
    assert apply_merge_patch(now, patch) == made
