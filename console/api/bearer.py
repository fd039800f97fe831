"""Who asks: the person of a token, with what the token may be used for. No cookie counts here."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest
from ninja.security import HttpBearer

from console.access import SignedInRequest
from console.api.problems import Problem
from console.sign_in.origin import origin_of_request
from incidents.domain.tokens import Scope
from incidents.models import ApiToken
from incidents.services import tokens


class CallerRequest(SignedInRequest):
    """A request that `Token` has let in: `user` is the token's person, `auth` the token."""

    auth: ApiToken


class Token(HttpBearer):
    """Lets in whoever has a good token of this scope. What its person may do is asked by the doors, each time."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = tokens.use(token, origin_of_request(request))
        if found is None:
            return None
        if self.scope not in found.scopes:
            raise Problem(
                HTTPStatus.FORBIDDEN, "token.scope", f"This token was not made for: {self.scope}.", scope=self.scope
            )
        request.user = found.person
        return found


READ, PROPOSE, RUN = Token(Scope.READ), Token(Scope.PROPOSE), Token(Scope.RUN)
