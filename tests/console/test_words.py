"""Words: every code has a sentence, and times and counts read well."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from console import words
from incidents.selectors.usual import Usual

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "incidents/domain/decide.py",
    "incidents/domain/guards.py",
    "incidents/domain/routes.py",
    "incidents/domain/traffic.py",
    "incidents/services/propose.py",
    "incidents/services/start.py",
    "incidents/services/undo.py",
    "incidents/engine/advance.py",
    "incidents/engine/handing_back.py",
    "incidents/engine/hand_backs.py",
    "incidents/engine/confirming.py",
    "incidents/engine/stages.py",
    "incidents/engine/targets.py",
)
# Dotted like codes, but names of audit events.
EVENTS = re.compile(
    r"run\.(accepted|began|refused)|target\.(attempted|answered)|verdict\.(recorded|overruled)"
    r"|hand-back\.(began|ended|waits|extended)"
)


def codes() -> set[str]:
    found: set[str] = set()
    # What an adapter says when it rehearses stands beside what our own guards say.
    whole = [path for room in ("actions", "adapters") for path in (ROOT / "incidents" / room).glob("[a-z]*.py")]
    for source in [*(ROOT / source for source in SOURCES), *whole]:
        text = source.read_text()
        found |= set(re.findall(r'"((?:backend|engine|guard|hand-back|run|target|verdict)\.[a-z][a-z-]*)"', text))
    return {code for code in found if not EVENTS.fullmatch(code)} | {
        "verdict.inconclusive",
        "verdict.error",
    }


def test_every_code_that_can_be_written_has_a_sentence() -> None:
    found = codes()

    assert len(found) > 25
    assert found - words.CODES.keys() == set()


def test_no_sentence_is_left_of_a_code_that_is_gone() -> None:
    assert words.CODES.keys() - codes() == set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (72, "1 minute 12 seconds"),
        (660, "11 minutes"),
        (7500, "2 hours 5 minutes"),
        (90000, "1 day 1 hour"),
        (3605, "1 hour"),
    ],
)
def test_a_length_of_time_reads_like_speech(seconds: float, text: str) -> None:
    assert words.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (120, 420, "2 to 7 minutes"),
        (40, 180, "40 seconds to 3 minutes"),
        (1, 30, "1 to 30 seconds"),
        (5, 5, "about 5 seconds"),
        (0.2, 0.3, "about 1 second"),
        (65, 70, "1 minute 5 seconds to 1 minute 10 seconds"),
    ],
)
def test_the_usual_time_is_a_range(low: float, high: float, text: str) -> None:
    assert words.usually(Usual(timedelta(seconds=low), timedelta(seconds=high), 9)) == text


def test_lists_and_counts_read_like_speech() -> None:
    assert words.listed(["A"]) == "A"
    assert words.listed(["A", "B", "C"]) == "A, B and C"
    assert words.listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 4 more"
    assert words.many(1, "prefix") == "1 prefix"
    assert words.many(2, "prefix") == "2 prefixes"
    assert words.many(3, "location") == "3 locations"
