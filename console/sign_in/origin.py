"""Where a request comes from. The address is what the web server saw, or what TRUSTED_PROXIES proxies of ours wrote."""

from __future__ import annotations

from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from incidents.domain.networks import Origin, origin_of


def origin_of_request(request: HttpRequest) -> Origin:
    try:
        address = get_client_ip(request) or ""
    except ImproperlyConfigured:
        # Whoever came past a proxy of ours shares one network with all who did.
        address = ""
    return origin_of(address, settings.KNOWN_NETWORKS)
