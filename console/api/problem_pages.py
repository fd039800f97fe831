"""What the `type` of a problem leads to."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest
from ninja import Router, Schema

from console.api.problems import Problem, sentence_of

router = Router(tags=["problems"])


class CodeOut(Schema):
    """One code, in a sentence."""

    code: str
    means: str


@router.get("/problems/{str:code}", url_name="api-problem", operation_id="problem", response=CodeOut, auth=None)
def problem(request: HttpRequest, code: str) -> CodeOut:
    """What a code of a problem or a finding means. Needs no token."""
    means = sentence_of(code)
    if not means:
        raise Problem(HTTPStatus.NOT_FOUND, "access.not-found")
    return CodeOut(code=code, means=means)
