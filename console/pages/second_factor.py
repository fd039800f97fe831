"""The second step of signing in with a password: a passkey, a code, or a recovery code."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.account.stages import LoginStageController
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from console.pages.answers import go_to
from console.sign_in import passkeys
from console.sign_in.answers import refuse
from console.sign_in.origin import origin_of_request
from incidents.domain.errors import Refused
from incidents.models import Person
from incidents.selectors.factors import read_factors
from incidents.services import factors, limits

PAGE = "sign_in/code.html"
WRONG = "That code does not fit, or was used before. Write the code that is shown now, or a recovery code."
NO_QUESTION = "That took too long. Start again."


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    stage = _stage(request)
    if stage is None:
        return go_to(reverse("sign-in"))
    person: Person = stage.login.user
    if request.method == "GET":
        return render(request, PAGE, {"factors": read_factors(person)})
    try:
        kind, pk = given(request, person)
    except Refused as refused:
        return refuse(request, PAGE, refused, {"factors": read_factors(person)})
    record_authentication(request, person, "mfa", type=kind, id=pk)
    response: HttpResponse = stage.exit()
    response.status_code = 303
    return response


@require_GET
def options(request: HttpRequest) -> HttpResponse:
    """What the browser asks a passkey of this person for, as JSON."""
    stage = _stage(request)
    if stage is None:
        return JsonResponse({"problem": NO_QUESTION}, status=422)
    return JsonResponse(passkeys.ask(request, stage.login.user))


def given(request: HttpRequest, person: Person) -> tuple[str, int | None]:
    """Kind and id of the factor that this person has posted: `credential` of a passkey, or `code`.

    Raises Refused.
    """
    origin = origin_of_request(request)
    if "credential" in request.POST:
        limits.take_passkey(origin)
        passkey = passkeys.check(request.POST["credential"], person)
        limits.give_back_passkey(origin)
        factors.note_use(passkey)
        return str(passkey.type), passkey.pk
    code = request.POST.get("code", "")
    if not code.strip():
        raise Refused("Write the code.")
    kind = factors.check_code(person, code[:100], origin)
    if kind is None:
        raise Refused(WRONG)
    return kind, None


def _stage(request: HttpRequest) -> AuthenticateStage | None:
    """The sign-in that waits for this step; None when there is none, it has waited too long, or the person has left."""
    stage: AuthenticateStage | None = LoginStageController.enter(request, AuthenticateStage.key)
    return stage if stage is not None and stage.login.user.is_active else None
