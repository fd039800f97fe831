"""What is true of every request to the API, before anything else looks at it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from console.api.problems import MEDIA_TYPE, Problem, answer, of_status
from console.api.reading import LARGEST


class Programs:
    """No cookie is read, no body that is too large is taken, and each no is a problem and never a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        request.COOKIES = {}
        if _length(request) > LARGEST:
            # By what the header says: nothing of the body is read.
            return answer(Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request.too-large"))
        response = self.get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or response["Content-Type"] == MEDIA_TYPE:
            return response
        told = answer(of_status(response.status_code))
        if "Allow" in response:
            told["Allow"] = response["Allow"]
        return told


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else LARGEST + 1
