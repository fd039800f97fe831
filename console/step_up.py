"""Whether a person has shown a short time ago who they are, and where they can do it again.

Pages ask this before what is serious:

    if not is_fresh(request):
        ... a link to confirm_address(request, next) in place of the button, and 422 to a post
"""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.urls import reverse

from console.access import SignedInRequest
from incidents.selectors.factors import read_factors
from incidents.selectors.preview import Weight

# OWASP ASVS 5.0, 7.5.3 asks for it and gives no time; five minutes is the default of django-allauth.
STRONG_FOR = timedelta(minutes=5)

# From this tier on a person shows once more who they are (docs/sign-in.md).
SERIOUS_TIER = 2

CONFIRM_FIRST = "Confirm that it is you first. Nothing was changed."


def is_fresh(request: SignedInRequest) -> bool:
    """Whether they gave a passkey, a code or a recovery code within STRONG_FOR.

    From somebody who has none of these a password counts. With SECOND_FACTOR=required such a person reaches no page but
    the one where they add one.
    """
    if _shown(request, "mfa"):
        return True
    return _shown(request, "password") and not read_factors(request.user).any


def confirm_address(request: SignedInRequest, wanted: str) -> str:
    """Where they show it again.

    Args:
        wanted: the path to which they come back.
    """
    return f"{reverse('confirm')}?{urlencode({'next': wanted})}"


def is_serious(weight: Weight) -> bool:
    """Whether a person has to show once more who they are, before something of this weight."""
    return weight.tier >= SERIOUS_TIER or weight.takes_two


def confirm_first(request: SignedInRequest, weight: Weight, wanted: str) -> str:
    """Where this person shows first that it is them, before something of this weight; empty when they need not.

    Args:
        wanted: the path to which they come back.
    """
    if not is_serious(weight) or is_fresh(request):
        return ""
    return confirm_address(request, wanted)


def _shown(request: SignedInRequest, method: str) -> bool:
    since = time.time() - STRONG_FOR.total_seconds()
    records = get_authentication_records(request, request.user)
    return any(record["method"] == method and record["at"] > since for record in records)
