"""Shows that the person themselves is there, before what is serious: with a code, for a program has no passkey."""

from __future__ import annotations

from http import HTTPStatus

from console.api.bearer import CallerRequest
from console.api.problems import Problem
from console.sign_in.origin import origin_of_request
from console.step_up import is_serious
from incidents.selectors.preview import Weight
from incidents.services import factors, sign_in


def step_up(request: CallerRequest, weight: Weight, code: str) -> None:
    """Uses up the code, where one is asked for as on the pages; it counts for this request alone.

    Raises:
        Problem: none came, or one that does not fit.
        Limited: too many tries; the code was not looked at.
    """
    if not is_serious(weight):
        return
    if not code.strip():
        raise Problem(HTTPStatus.FORBIDDEN, "step-up.needed")
    origin = origin_of_request(request)
    kind = factors.check_code(request.user, code, origin)
    if kind is None:
        raise Problem(HTTPStatus.FORBIDDEN, "step-up.wrong")
    sign_in.confirm(request.user, kind, origin)
