"""States as lines, and their differences."""

from __future__ import annotations

from incidents.domain.readable import MOST_LINES, Line, difference, lines_of


def test_a_document_is_its_lines_and_other_states_are_their_fields() -> None:
    assert lines_of({"document": "a\nb\n", "status": {"text": "other"}}) == ["a", "b"]
    assert lines_of({"spec": {"x": 1}, "status": {"text": "x is 1"}}) == ["x is 1"]
    assert lines_of({"b": 1, "a": [2], "status": {"label": "l"}}) == ["{", '  "a": [', "    2", "  ],", '  "b": 1', "}"]


def test_what_goes_and_what_comes_with_a_little_round_it() -> None:
    before = {"document": "\n".join("abcdefghijklmnop")}
    after = {"document": "\n".join("aXcdefghijklmnoY")}
    assert difference(before, after) == (
        Line(" ", "a"),
        Line("-", "b"),
        Line("+", "X"),
        Line(" ", "c"),
        Line(" ", "d"),
        Line("…", ""),
        Line(" ", "n"),
        Line(" ", "o"),
        Line("-", "p"),
        Line("+", "Y"),
    )
    assert difference(before, before) == ()


def test_a_long_one_is_cut_and_says_so_and_no_letter_plays_tricks() -> None:
    found = difference(
        {"document": "\n".join(f"a{n}" for n in range(500))}, {"document": "\u202egnp\x1b[2J" + "x" * 400}
    )
    assert len(found) == MOST_LINES + 1
    assert found[-1] == Line("…", "301 more lines are different or near to it")
    [short] = difference({"document": ""}, {"document": "\u202egnp\x1b[2J" + "x" * 400})
    assert short.text.startswith("�gnp�[2Jxxx")
    assert short.text.endswith("x…")
