"""Reads the body of a request: JSON without anything on which two readers could disagree, and not without end."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from console.api.problems import Problem

# The largest body that anybody needs names some thousand resources, by 36 letters each.
LARGEST = 256 * 1024
# What is asked for here has two levels.
DEEPEST = 16
# Beyond that, readers in other languages see another number than we (RFC 8259 section 6, RFC 7493 section 2.2).
LONGEST_NUMBER = 15


class StrictParser(Parser):
    """Raises Problem for what is no JSON, or no JSON of ours."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "request.media-type")
        return read(request.body)


def read(body: bytes) -> dict[str, Any]:
    """The object that these bytes are. Raises Problem."""
    try:
        text = body.decode("utf-8")
        _bounded(text)
        found = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_unfit,
            parse_float=_whole,
            parse_int=_number,
        )
        _printable(found)
    except (ValueError, RecursionError) as fault:
        raise Problem(HTTPStatus.BAD_REQUEST, "request.not-json", _told(fault)) from fault
    if not isinstance(found, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request.unusable", "Send an object, in braces.")
    return found


class _Unfit(ValueError):
    """Well-formed, and yet nothing that we take; its text is for whoever wrote the program."""


def _told(fault: Exception) -> str:
    return str(fault) if isinstance(fault, _Unfit) else "The body cannot be read as JSON."


def _bounded(text: str) -> None:
    """Counts brackets before anything is built; those inside of strings count too, and nobody needs so many."""
    depth = 0
    for letter in text:
        if letter in "[{":
            depth += 1
            if depth > DEEPEST:
                raise _Unfit(f"The body is nested more than {DEEPEST} levels deep.")
        elif letter in "]}":
            depth = max(0, depth - 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unfit("The body has the same member twice.")
    return found


def _number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _Unfit(f"The body has a number of more than {LONGEST_NUMBER} digits.")
    return int(digits)


def _whole(text: str) -> int:
    """`60.0` is a whole number to JSON Schema, and to many programs the only way to write one."""
    value = float(text)
    if not value.is_integer() or abs(value) >= 10**LONGEST_NUMBER:
        _unfit(text)
    return int(value)


def _unfit(text: str) -> NoReturn:
    raise _Unfit("The body has a number that is no whole one.")


def _printable(value: Any) -> None:
    """Neither database takes NUL, and half a surrogate is no text."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _Unfit("The body has a letter that cannot be kept: NUL, or half of a pair.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _printable(key)
            _printable(item)
    elif isinstance(value, list):
        for item in value:
            _printable(item)
