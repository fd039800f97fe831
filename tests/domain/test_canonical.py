"""Canonical JSON, held against a published implementation of RFC 8785."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.canonical import LARGEST_INTEGER, decode, encode

ascii_keys = st.text(st.characters(max_codepoint=127), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | st.text(max_size=12)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_keys, inner, max_size=4), max_leaves=12
)


@given(values)
def test_it_writes_what_the_reference_writes(value: object) -> None:
    assert encode(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(values)
def test_decoding_gives_the_same_bytes_again(value: object) -> None:
    data = encode(value)  # type: ignore[arg-type]
    assert encode(decode(data)) == data


@pytest.mark.parametrize("value", [1.5, {"a": 0.0}, {1: "a"}, {"ä": 1}, {"a": {1, 2}}, b"bytes"])
def test_it_refuses_what_has_no_one_form(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, "\ud800"])
def test_it_refuses_what_others_would_read_differently(value: int | str) -> None:
    with pytest.raises(ValueError, match=r"53 bits|surrogates"):
        encode(value)
