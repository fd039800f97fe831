"""What people typed, made harmless: for a page, for plain text, and for a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

# Two that join letters in Persian, in Indian scripts and in emoji, and turn nothing round.
HARMLESS = "\u200c\u200d"
STARTS_FORMULA = frozenset("=+-@\u2212")
# A file with commas may be opened as one with semicolons, or with lines cut at a line break.
AFTER_BREAK = re.compile(r"(?<=[;\t\r\n])(?=\s*[=+@\-\uff1d\uff0b\uff0d\uff20\u2212])")


def visible(text: str) -> str:
    """The text with every sign that nobody sees, and that turns or hides others, written as `[U+202E]`."""
    return "".join(_visible(sign) for sign in text)


def cell(text: str) -> str:
    """The same for a cell of a spreadsheet, which takes no text for a formula then.

    An apostrophe stands before what would begin one: `= + - @`, tab, carriage return, and their wide forms.
    Source: OWASP, CSV Injection.
    """
    begins = text.lstrip(HARMLESS + " \u00a0\u3000")[:1]
    shown = AFTER_BREAK.sub("'", visible(text))
    folded = unicodedata.normalize("NFKC", begins)[:1]
    return f"'{shown}" if folded in STARTS_FORMULA or begins in ("\t", "\r", "\n") else shown


def _visible(sign: str) -> str:
    if sign in HARMLESS or sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return sign
    return f"[U+{ord(sign):04X}]"
