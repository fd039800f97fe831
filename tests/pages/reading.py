"""How hard words are to read: the Flesch-Kincaid grade, and how long sentences are.

Grade = 0.39 words/sentence + 11.8 syllables/word - 15.59 (Kincaid et al. 1975, Naval Technical Training Command,
Research Branch Report 8-75). Syllables are counted by groups of vowels, which is right for nine words of ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
VOWELS = re.compile(r"[aeiouy]+")
# What people are not told (DESIGN section 1; facts of words): jargon, blame, cheer.
BANNED = re.compile(
    r"\b(successfully|invalid|oops|whoops|please|sorry|fail(?:ed|ure) to|abort(?:ed)?|rollback|roll-back"
    r"|kill(?:ed)?|error \d+|exception|timeout|null|payload|endpoint|backend|adapter|snapshot|preflight|idempotent"
    r"|node|PoP|BGP)\b|!$",
    re.IGNORECASE,
)


def sentences(texts: Iterable[str]) -> list[str]:
    """Whole sentences, those that end as one; titles, labels and cells are none."""
    found = []
    for text in texts:
        for part in re.split(r"(?<=[.?])\s+(?=[A-Z“])", re.sub(r"\s+", " ", text).strip()):
            if part.endswith((".", "?", ".”")) and len(WORD.findall(part)) > 2:
                found.append(part)
    return found


def grade(of: list[str]) -> float:
    """School years that it takes to read these sentences; 0.0 of none."""
    words = [word.lower() for sentence in of for word in WORD.findall(sentence)]
    if not words:
        return 0.0
    return 0.39 * len(words) / len(of) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def longest(of: list[str]) -> str:
    """The sentence of the most words; empty of none."""
    return max(of, key=lambda sentence: len(WORD.findall(sentence)), default="")


def _syllables(word: str) -> int:
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and len(word) > 3
    return max(1, len(VOWELS.findall(word)) - silent)
