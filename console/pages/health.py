"""For load balancers and Prometheus: whether this process answers, whether it can do its work, and what it measures."""

from __future__ import annotations

import ipaddress

from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from console.health import read_figures, read_readiness
from console.metrics import CONTENT_TYPE, expose


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """It asks nobody else, so that a sick database ends no process."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 while runs can be accepted. Without a broker they can: the sweep starts them. Bounded by `console.health`."""
    found = read_readiness()
    return JsonResponse({"ready": found.ready, **found.parts}, status=200 if found.ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus reads; for others there is nothing at this address."""
    if not (_shows_token(request) or _comes_from_inside(request)):
        raise Http404
    return HttpResponse(expose(read_figures()), content_type=CONTENT_TYPE)


def _shows_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    given: str = settings.METRICS_TOKEN
    return bool(given) and kind.lower() == "bearer" and constant_time_compare(token.strip(), given)


def _comes_from_inside(request: HttpRequest) -> bool:
    if not settings.METRICS_NETWORKS:
        return False
    try:
        address = ipaddress.ip_address(get_client_ip(request) or "")
    except (ImproperlyConfigured, ValueError):
        return False
    return any(address in ipaddress.ip_network(network) for network in settings.METRICS_NETWORKS)
