"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): of one request that is sent several times, one acts."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja import Schema

from console.api.bearer import CallerRequest
from console.api.problems import Problem
from incidents.domain.canonical import JsonObject, digest
from incidents.services import keyed

# The draft has a string of RFC 8941, in quotes; without them nobody could mean anything else.
SHAPE = re.compile(r'"([0-9A-Za-z-]{8,64})"|([0-9A-Za-z-]{8,64})', re.ASCII)
PATTERN = '^("[0-9A-Za-z-]{8,64}"|[0-9A-Za-z-]{8,64})$'
HEADER = "Idempotency-Key"
PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "required": True,
    "description": "Made anew for each thing that you want done, and the same whenever you send that again.",
    "schema": {"type": "string", "pattern": PATTERN},
}
# Shown anew with each try, so it is no part of what must be equal.
NOT_COMPARED = "code"


def once(
    request: CallerRequest, verb: str, about: str, body: Schema | None, act: Callable[[str], tuple[int, Schema]]
) -> HttpResponse:
    """Does `act` under the key of this request, or answers as it was answered the first time.

    What was refused is not kept: nothing was done, so the same key may be sent again when the reason has gone.

    Args:
        verb, about: what shall be done to what; with the body all that must be equal when the key is used again.
        act: takes the key; gives the status and the answer.

    Raises:
        Problem: no key, or one that will not do.
        KeyReused, KeyInUse: it belongs to another request, or the first is still being worked on.
    """
    key = _key(request)
    said: JsonObject = {} if body is None else body.model_dump(mode="json", exclude={NOT_COMPARED})
    asked = keyed.Asked(key, verb, about, digest({"verb": verb, "about": about, "said": said}))
    earlier = keyed.claim(request.auth, asked)
    if earlier is not None:
        return _response(earlier.status, earlier.body)
    try:
        status, made = act(key)
        text = made.model_dump_json()
    except Exception:
        keyed.release(request.auth, key)
        raise
    keyed.keep(request.auth, key, status, text)
    return _response(status, text)


def _key(request: CallerRequest) -> str:
    given = request.headers.get(HEADER, "")
    if not given:
        raise Problem(HTTPStatus.BAD_REQUEST, "key.missing")
    found = SHAPE.fullmatch(given)
    if found is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "key.unusable")
    return found[1] or found[2]


def _response(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="application/json")
