"""Every answer that is a no, as RFC 9457 has it, with the codes that the pages know as well."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from console.access import MayOnlySee
from console.words import CODES
from incidents.domain.errors import (
    EmptySelector,
    KeyInUse,
    KeyReused,
    Limited,
    PlanChanged,
    PlanExpired,
    Refused,
)

MEDIA_TYPE = "application/problem+json"
# What a code is called by is where it is told; relative, for nobody knows under which name they reach the console.
TYPES = "/api/v1/problems/"

# Codes that only programs meet; all others are those of guards and refusals, in console/words.CODES.
API_CODES = {
    "access.not-allowed": "You may see this and not do it.",
    "access.not-found": "There is nothing here that this token may see.",
    "key.in-use": "The first request with this Idempotency-Key is still being worked on. Ask again in a moment.",
    "key.missing": "Send an Idempotency-Key of your own with everything that acts.",
    "key.reused": "This Idempotency-Key was used before for another request.",
    "key.unusable": "An Idempotency-Key has 8 to 64 letters, digits and hyphens.",
    "limit.reached": "Too many tries. Wait as long as Retry-After says.",
    "plan.changed": "Something changed since the preview. Make a new one.",
    "plan.expired": "The preview is too old. Make a new one.",
    "plan.unknown": "There is no such preview of yours. Make one.",
    "request.media-type": "Send JSON, and say so: Content-Type: application/json.",
    "request.method": "This address does not know that method. Allow says which it knows.",
    "request.not-json": "The body cannot be read as JSON.",
    "request.refused": "It was not done; detail says why.",
    "request.too-large": "The body is larger than anything that is asked for here.",
    "request.unusable": "Some of what was sent is missing, or is not what it should be; detail says which.",
    "selector.empty": "Nothing fits, and nothing never means everything.",
    "server.broken": "Our own software failed. Whether it was done is not known; ask again, or call us.",
    "step-up.needed": (
        "This is serious. Send, as code, what your authenticator app shows now, or one of your recovery codes."
    ),
    "step-up.wrong": "That code does not fit, or was used before. Send the one that is shown now, or a recovery code.",
    "token.missing": "Send a token that is good: Authorization: Bearer hr_...",
    "token.scope": "This token may not be used for that. Make one that may.",
}
# What the pages say of what stands on them.
BELOW = " Check the new preview below."
CONFLICT, UNPROCESSABLE = HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
# By the status alone, for what neither a door nor a verb of ours has refused.
BY_STATUS = {
    401: "token.missing",
    403: "access.not-allowed",
    404: "access.not-found",
    405: "request.method",
    409: "request.refused",
    413: "request.too-large",
    415: "request.media-type",
    422: "request.unusable",
    429: "limit.reached",
}


class Problem(Exception):
    """A no, to be raised.

    Args:
        detail: what it is this time; empty where the sentence of the code says all.
        more: members besides, such as `findings`.
    """

    def __init__(self, status: int, code: str, detail: str = "", **more: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.more = int(status), code, detail, more


def sentence_of(code: str) -> str:
    """What a code means; empty for one that there is not."""
    return API_CODES.get(code) or CODES.get(code, "")


def answer(problem: Problem) -> HttpResponse:
    """The response, with the headers that its status asks for."""
    sentence = sentence_of(problem.code)
    body = {
        "type": f"{TYPES}{problem.code}",
        "title": sentence or problem.code,
        "status": problem.status,
        "detail": problem.detail or sentence,
        "code": problem.code,
        **problem.more,
    }
    response = HttpResponse(json.dumps(body), status=problem.status, content_type=MEDIA_TYPE)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        # RFC 9110 section 11.6.1.
        response["WWW-Authenticate"] = 'Bearer realm="handrail"'
    if "retry_after" in problem.more:
        response["Retry-After"] = str(problem.more["retry_after"])
    return response


def of_refusal(refused: Refused) -> Problem:
    """What speaks against it, by the code of its first finding; 409, for the same request may do another time."""
    findings = [one.as_json() for one in refused.findings]
    text = str(refused).replace(BELOW, " Make a new one.")
    if isinstance(refused, Limited):
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, "limit.reached", text, retry_after=refused.minutes * 60)
    if isinstance(refused, KeyReused):
        return Problem(UNPROCESSABLE, "key.reused", text)
    if refused.findings:
        return Problem(CONFLICT, refused.findings[0].code, text, findings=findings)
    for kind, code in (
        (KeyInUse, "key.in-use"),
        (EmptySelector, "selector.empty"),
        (PlanExpired, "plan.expired"),
        (PlanChanged, "plan.changed"),
    ):
        if isinstance(refused, kind):
            return Problem(CONFLICT, code, text)
    return Problem(CONFLICT, "request.refused", text)


def of_absence(request: HttpRequest, exception: Exception) -> Problem:
    """404, whether there is none or this person may not see it; where they may see it, with whom to ask."""
    if isinstance(exception, MayOnlySee):
        return Problem(HTTPStatus.NOT_FOUND, "access.not-allowed", str(exception))
    return Problem(HTTPStatus.NOT_FOUND, "access.not-found")


def of_status(status: int) -> Problem:
    """For an answer that says nothing but its status."""
    fallback = "server.broken" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "request.not-json"
    return Problem(status, BY_STATUS.get(status, fallback))
