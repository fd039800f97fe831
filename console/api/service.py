"""Everything under /api/v1: its operations, and what each kind of no is answered with."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from console.api import incidents, organizations, previews, problem_pages, running
from console.api.problems import Problem, answer, of_absence, of_refusal, of_status
from console.api.reading import StrictParser
from incidents.domain.errors import Refused

PREFIX = "api/v1/"
# Somebody who has sent nonsense need not be told of every part of it.
MOST_ERRORS = 20

api = NinjaAPI(
    title="Handrail",
    version="1",
    description="What is broken, and the approved repairs of it: the same verbs and the same doors as on the pages.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    parser=StrictParser(),
)
for each in (organizations.router, previews.router, running.router, incidents.router, problem_pages.router):
    api.add_router("", each)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return answer(problem)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return answer(of_refusal(refused))


@api.exception_handler(Http404)
def _absent(request: HttpRequest, exception: Http404) -> HttpResponse:
    return answer(of_absence(request, exception))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Of django-ninja itself; a body that our parser has refused comes wrapped in one."""
    if isinstance(error.__cause__, Problem):
        return answer(error.__cause__)
    return answer(of_status(error.status_code))


@api.exception_handler(AuthenticationError)
def _no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return answer(of_status(error.status_code))


@api.exception_handler(ValidationError)
def _unusable(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [_fault(one) for one in error.errors[:MOST_ERRORS]]
    said = "; ".join(f"{one['where']}: {one['says']}" for one in errors[:3])
    return answer(Problem(422, "request.unusable", said, errors=errors))


def addresses() -> list[URLPattern]:
    """Every operation as an address of its own: an include would hide them from the table of who gets in where."""
    found = []
    for pattern in api.urls[0]:
        if isinstance(pattern, URLPattern) and pattern.name != "api-root":
            found.append(path(f"{PREFIX}{pattern.pattern}", pattern.callback, name=pattern.name))
    return found


def _fault(one: dict[str, Any]) -> dict[str, str]:
    """Where, without the name that the argument has in our code; and never what was sent."""
    source, *where = [str(part) for part in one["loc"]]
    named = where[1:] if source == "body" else where
    return {"where": ".".join(named) or source, "says": str(one["msg"])}
