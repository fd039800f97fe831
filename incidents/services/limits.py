"""How often somebody may try. Counted in the database, so that it holds for all web processes and needs no cache.

No limit goes by the name alone, for that would let anybody lock a person out of an outage; and passkeys have a limit of
their own, so that passwords may be sprayed without standing in anybody's way. The table of them is in docs/sign-in.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from incidents.domain.errors import Limited
from incidents.domain.networks import Origin
from incidents.models import Tally

SALT = "handrail.sign-in.limits"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in so many seconds."""

    tries: int
    seconds: int


# OWASP ASVS 5.0, 6.3.1 asks for limits and 6.1.1 that they lock nobody out. NIST SP 800-63B-4 section 3.2.2 allows at
# most 100 failures in a row; the strictest of these leaves 60 an hour for one name from one network.
NAME_AND_NETWORK = Limit(5, 300)
NAME_AND_KNOWN_NETWORK = Limit(20, 300)
NETWORK = Limit(30, 300)
PASSKEY_NETWORK = Limit(60, 300)
# A question costs a row of a session for ten minutes and no hash, so this bounds only how many rows there may be.
PASSKEY_ASKED = Limit(300, 300)
COMPANY_NETWORK = Limit(60, 300)
CODE_AND_NETWORK = Limit(5, 300)
CODE = Limit(20, 3600)
# 256 random bits are not guessed; this keeps a program with an old token from asking without end.
TOKEN_NETWORK = Limit(60, 300)
# A preview looks at the network, as a person's does; nobody reads one a second.
PREVIEWS_OF_TOKEN = Limit(60, 60)
REFUSAL_TOLD = Limit(1, 60)
KEYS_ASKED = Limit(1, 60)


def take(limit: Limit, *scope: str) -> None:
    """Counts one try. Raises Limited, and then writes nothing."""
    found = Tally.objects.filter(scope=_hash(scope))
    while True:
        now = timezone.now()
        if found.filter(until__gt=now, count__lt=limit.tries).update(count=F("count") + 1):
            return
        full = found.filter(until__gt=now).values_list("until", flat=True).first()
        if full is not None:
            raise Limited(max(1, math.ceil((full - now).total_seconds() / 60)))
        end = now + timedelta(seconds=limit.seconds)
        if found.filter(until__lte=now).update(count=1, until=end) or _begin(_hash(scope), end):
            return


def may(limit: Limit, *scope: str) -> bool:
    """The same as a question."""
    try:
        take(limit, *scope)
    except Limited:
        return False
    return True


def give_back(*scope: str) -> None:
    """The try was a good one, so it does not count."""
    Tally.objects.filter(scope=_hash(scope), count__gt=0).update(count=F("count") - 1)


def take_password(name: str, origin: Origin) -> None:
    """Before a password is looked at. Raises Limited."""
    if origin.known:
        take(NAME_AND_KNOWN_NETWORK, "password", name, origin.network)
        return
    # The network first: names without end must not make rows without end.
    take(NETWORK, "password", origin.network)
    try:
        take(NAME_AND_NETWORK, "password", name, origin.network)
    except Limited:
        give_back("password", origin.network)
        raise


def give_back_password(name: str, origin: Origin) -> None:
    give_back("password", name, origin.network)
    give_back("password", origin.network)


def take_passkey_question(origin: Origin) -> None:
    """Before whoever is nobody yet is asked for a passkey; it uses nothing up of what answers have. Raises Limited."""
    if not origin.known:
        take(PASSKEY_ASKED, "passkey asked", origin.network)


def take_passkey(origin: Origin) -> None:
    """Before the answer of a passkey is looked at. Raises Limited."""
    if not origin.known:
        take(PASSKEY_NETWORK, "passkey", origin.network)


def give_back_passkey(origin: Origin) -> None:
    give_back("passkey", origin.network)


def take_company(origin: Origin) -> None:
    """Before somebody is sent to the company's sign-in, and when they come back. Raises Limited."""
    if not origin.known:
        take(COMPANY_NETWORK, "company", origin.network)


def may_ask_for_keys() -> bool:
    """Whether the company's keys may be asked for again because of one that we do not know."""
    return may(KEYS_ASKED, "company keys")


def take_token(origin: Origin) -> None:
    """After a token that is none. Raises Limited."""
    take(TOKEN_NETWORK, "token", origin.network)


def take_preview(token: UUID) -> None:
    """Before a program is shown a preview. Raises Limited."""
    take(PREVIEWS_OF_TOKEN, "preview", str(token))


def take_code(person: UUID, origin: Origin) -> None:
    """Before a code is looked at. Raises Limited."""
    take(CODE_AND_NETWORK, "code", str(person), origin.network)
    try:
        take(CODE, "code", str(person))
    except Limited:
        give_back("code", str(person), origin.network)
        raise


def give_back_code(person: UUID, origin: Origin) -> None:
    give_back("code", str(person), origin.network)
    give_back("code", str(person))


def may_tell_refusal(name: str, origin: Origin) -> bool:
    """Whether this minute has no entry yet about this name from there."""
    return may(REFUSAL_TOLD, "told", name, origin.network)


def _begin(scope: str, end: datetime) -> bool:
    """Makes the row, and takes away those whose time is over. False when somebody else was first."""
    Tally.objects.filter(until__lt=timezone.now() - timedelta(seconds=CODE.seconds)).delete()
    try:
        with transaction.atomic():
            Tally.objects.create(scope=scope, count=1, until=end)
    except IntegrityError:
        return False
    return True


def _hash(scope: tuple[str, ...]) -> str:
    return salted_hmac(SALT, "\0".join(scope), algorithm="sha256").hexdigest()
