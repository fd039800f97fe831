"""What a hook may answer, read strictly: an answer is taken whole or not at all.

    observe    {"states": {KEY: {...}}}
    rehearse   {"findings": [{"code": ..., "severity": ..., "text": ..., "subject": ...}]}
    apply      {"receipts": [{"key": ..., "reply": ..., "detail": ...}]}

A state ends in our database, in digests and on pages. So what has no canonical form is refused here, and texts for
people lose what could disguise them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from incidents.domain.canonical import encode
from incidents.domain.changes import STATUS, Receipt, Reply, State, settings_of, unreadable
from incidents.domain.findings import Finding, Severity
from incidents.domain.keysets import private_part

# Levels of objects and lists in each other, the answer itself among them.
DEEPEST = 20
LONGEST_WORDS = 200
LONGEST_LABEL = 100
# Of the document that a state stands for; in bytes.
LARGEST_TEXT = 64 * 1024
CODE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
LONGEST_CODE = 50

# Fields of a status, see domain/changes.py, and their types.
FLAGS = frozenset({"settled", "ready", "paused"})
WORDS = {"label": LONGEST_LABEL, "problem": LONGEST_WORDS, "managed_by": LONGEST_WORDS, "locked": LONGEST_WORDS}


class Unusable(ValueError):
    """This is no answer of the protocol; the text says why, for people."""


def parse(content: bytes) -> Any:
    """The JSON of an answer. Raises Unusable where it is none, or holds what we cannot keep."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_float=_no_float, parse_constant=_no_float)
    except Unusable:
        raise
    except RecursionError:
        raise Unusable(_TOO_DEEP) from None
    except ValueError:
        raise Unusable("it is no JSON in UTF-8") from None
    _check_values(value)
    return value


def states(answer: object, asked: Sequence[str]) -> Mapping[str, State]:
    """One state for every key asked for. Raises Unusable."""
    given = _object_of(_only(answer, "states"), "the states")
    _check_keys(list(given), asked)
    return {key: _state(key, given[key]) for key in asked}


def findings(answer: object, asked: Sequence[str]) -> Sequence[Finding]:
    """What was said to the changes of these keys; the codes begin with `hook.`. Raises Unusable."""
    return [_finding(item, asked) for item in _list_of(_only(answer, "findings"), "the findings")]


def receipts(answer: object, asked: Sequence[str]) -> Sequence[Receipt]:
    """One receipt for every key, in the order of `asked` whatever theirs is. Raises Unusable."""
    given = [_receipt(item) for item in _list_of(_only(answer, "receipts"), "the receipts")]
    _check_keys([receipt.key for receipt in given], asked)
    told = {receipt.key: receipt for receipt in given}
    return [told[key] for key in asked]


def words(said: str, longest: int = LONGEST_WORDS) -> str:
    """A text for people on one line, cut to this many characters, without controls and without marks of direction."""
    spaced = _printable(" ".join(said.split()))
    return " ".join(spaced.split())[:longest]


_TOO_DEEP = f"its values lie deeper than {DEEPEST} levels"


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise Unusable("it names a field twice")
    return value


def _no_float(literal: str) -> Any:
    raise Unusable("it holds a number that is not whole")


def _check_values(value: object) -> None:
    """Refuses what is nested too deeply, and texts that PostgreSQL or UTF-8 could not hold."""
    level = [value]
    for depth in range(DEEPEST + 1):
        if depth == DEEPEST and any(isinstance(one, dict | list) for one in level):
            raise Unusable(_TOO_DEEP)
        level = [inner for one in level for inner in _inside(one)]
        for one in level:
            if isinstance(one, str) and re.search("[\0\ud800-\udfff]", one):
                raise Unusable("it holds a text that is no Unicode, or a zero character")


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _only(answer: object, field: str) -> object:
    """What stands in the one field that this answer has."""
    return _fields(answer, "the answer", frozenset({field}))[field]


def _fields(value: object, what: str, needed: frozenset[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    given = _object_of(value, what)
    if unknown := sorted(given.keys() - needed - optional):
        raise Unusable(f"{what} has a field that is not known, {words(unknown[0], LONGEST_LABEL)}")
    if missing := sorted(needed - given.keys()):
        raise Unusable(f"{what} has no field {missing[0]}")
    return given


def _object_of(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(f"{what} must be an object")
    return value


def _list_of(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unusable(f"{what} must be a list")
    return value


def _text_of(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise Unusable(f"{what} must be text")
    return value


def _check_keys(given: Sequence[str], asked: Sequence[str]) -> None:
    """Exactly those that were asked for, each once."""
    if strangers := sorted(set(given) - set(asked)):
        raise Unusable(f"it tells of {words(strangers[0]) or 'a key without a name'}, which it was not asked about")
    if missing := sorted(set(asked) - set(given)):
        raise Unusable(f"it does not tell of {missing[0]}")
    if len(set(given)) < len(given):
        raise Unusable("it tells of a key twice")


def _state(key: str, value: object) -> State:
    state = _object_of(value, f"the state of {key}")
    settings = settings_of(state)
    try:
        encode(settings)
    except (TypeError, ValueError):
        raise Unusable(
            f"the state of {key} has a number above 53 bits, or a field whose name is not in ASCII"
        ) from None
    if what := private_part(json.dumps(value)):
        # Whatever kind of thing it is: secrets of others are not for us to keep.
        return unreadable(f"{key} is not read: it holds {what}")
    if STATUS not in state:
        return settings
    told = _object_of(state[STATUS], f"the status of {key}")
    return {**settings, STATUS: {field: _status_field(field, item, key) for field, item in told.items()}}


def _status_field(field: str, value: object, key: str) -> bool | int | str:
    what = f"{words(field, LONGEST_LABEL)} in the status of {key}"
    if field in FLAGS:
        if not isinstance(value, bool):
            raise Unusable(f"{what} must be true or false")
        return value
    if field == "sessions":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise Unusable(f"{what} must be a whole number of neighbours")
        return value
    if field == "text":
        text = _text_of(value, what)
        if len(text.encode()) > LARGEST_TEXT:
            raise Unusable(f"{what} is longer than {LARGEST_TEXT} bytes")
        return "\n".join(_printable(line, keep="\t") for line in text.split("\n"))
    if field not in WORDS:
        raise Unusable(f"the status of {key} has a field that is not known, {words(field, LONGEST_LABEL)}")
    return words(_text_of(value, what), WORDS[field])


def _finding(item: object, asked: Sequence[str]) -> Finding:
    given = _fields(item, "a finding", frozenset({"code", "severity", "text"}), frozenset({"subject"}))
    code = _text_of(given["code"], "the code of a finding")
    if len(code) > LONGEST_CODE or not CODE.fullmatch(code):
        raise Unusable("the code of a finding must be small letters and digits, with dots or hyphens between them")
    severity = given["severity"]
    if severity not in list(Severity):
        raise Unusable(f"the severity of a finding must be one of: {', '.join(Severity)}")
    text = words(_text_of(given["text"], "the text of a finding"))
    if not text:
        raise Unusable("a finding says nothing")
    subject = _text_of(given.get("subject", ""), "the subject of a finding")
    if subject and subject not in asked:
        raise Unusable("the subject of a finding must be a key that was asked about, or empty")
    # Codes of our own guards mean something; a hook must not speak in their name.
    return Finding(f"hook.{code}", Severity(severity), text, subject)


def _receipt(item: object) -> Receipt:
    given = _fields(item, "a receipt", frozenset({"key", "reply"}), frozenset({"detail"}))
    reply = given["reply"]
    if reply not in (Reply.ACCEPTED, Reply.REFUSED):
        raise Unusable("the reply in a receipt must be accepted or refused")
    detail = words(_text_of(given.get("detail", ""), "the detail of a receipt"))
    return Receipt(_text_of(given["key"], "the key of a receipt"), Reply(reply), detail)


def _printable(text: str, keep: str = "") -> str:
    return "".join(letter for letter in text if letter.isprintable() or letter in keep)
