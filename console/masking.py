"""What no log line may hold: secrets, by the name that they stand under and by how they look; and forged lines.

Masks are for what slips: nobody logs a secret on purpose. Every pattern is bounded, so that a long text costs no time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "***"
# What is longer is cut, in characters; it is cut before it is masked, and at a space, so that no secret is halved.
LONGEST = 16_000
LONGEST_WORD = 2_000

SECRET_NAME = re.compile(
    r"passw|passphrase|token|secret|authorization|cookie|credential|session|csrf|api_?key|private|signature|dsn", re.I
)
SECRET_NAMES = frozenset({"code", "codes", "key", "keys", "auth", "database_url", "redis_url", "mail_url"})
# A kept group is what may be read; what follows it is masked.
PATTERNS = (
    re.compile(r"()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.{0,8000}?(?:-----END [A-Z ]{0,40}-----|$)", re.S),
    # Tokens of our API, secrets of webhooks.
    re.compile(r"()\b(?:hr|whsec)_[A-Za-z0-9_+/=-]{4,200}"),
    re.compile(r"(\bbearer\s{1,3})[A-Za-z0-9._~+/=-]{6,2000}", re.I),
    re.compile(r"(\bbasic\s{1,3})[A-Za-z0-9+/=]{16,2000}", re.I),
    # scheme://user:password@host
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s'\"<>]{1,500}@", re.I),
    # An invitation is a secret for whoever has its address; so is the answer of a sign-in.
    re.compile(r"(/welcome/)[^\s/?'\"]{1,200}"),
    re.compile(r"([?&](?:code|state|key)=)[^\s&'\"]{1,2000}", re.I),
    re.compile(
        r"(\b[\w-]{0,40}(?:passw(?:or)?d|passphrase|token|secret|authorization|cookie|api_?key|session|csrf)[\w-]{0,20}"
        r"['\"]?\s{0,3}[=:]\s{0,3}['\"]?)(?:(?:basic|bearer|digest)\s{1,3})?[^\s'\",;&]{1,2000}",
        re.I,
    ),
)
BROKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Masks:
    """Masks what is secret by name, by look, and the very values that this installation keeps secret."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = sorted((value for value in set(values) if len(value) >= 6), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without any secret that is known or recognised."""
        text = _cut(text)
        for value in self._values:
            text = text.replace(value, MASK)
        for pattern in PATTERNS:
            text = pattern.sub(rf"\1{MASK}", text)
        return text

    def value(self, value: object, name: str = "") -> object:
        """Anything that stands under a name in a line."""
        if is_secret(name):
            return MASK
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping):
            return {str(key): self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in value]
        return self.text(value if isinstance(value, str) else str(value))


def is_secret(name: str) -> bool:
    return name.lower() in SECRET_NAMES or SECRET_NAME.search(name) is not None


def on_one_line(text: str) -> str:
    """The same with control and direction characters as escapes: what a person typed forges no line of a log."""
    return BROKEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def newest(traceback: str) -> str:
    """The end of a traceback that is too long: what broke stands in its last lines."""
    if len(traceback) <= LONGEST:
        return traceback
    tail = traceback[-LONGEST + LONGEST_WORD :]
    space = re.search(r"\s", tail[:LONGEST_WORD])
    return f"[{len(traceback)} characters] {tail[space.end() if space else LONGEST_WORD :]}"


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    head = text[:LONGEST]
    space = max(head.rfind(mark, LONGEST - LONGEST_WORD) for mark in (" ", "\n", "\t"))
    return f"{head[: space if space >= 0 else LONGEST - LONGEST_WORD]} [{len(text)} characters]"
