"""The four calls of Route 53 that this kind needs, and what its answers amount to.

    GET  /2013-04-01/hostedzone/{zone}/rrset?name=&type=&identifier=&maxitems=
    POST /2013-04-01/hostedzone/{zone}/rrset/
    GET  /2013-04-01/hostedzone/{zone}/rrsetprotection
    GET  /2013-04-01/healthcheck/{id}

Source: the service model 2013-04-01 that botocore carries, and the API reference of Route 53.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

from incidents.adapters import route53_xml as xml
from incidents.adapters.route53_keys import ZONE
from incidents.adapters.route53_members import HEALTH_CHECK
from incidents.domain.errors import BackendRefused
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, Raw

VERSION = "/2013-04-01"
LONGEST_WORDS = 200
MOST_PAGES = 100
# The most that Route 53 gives at once.
ITEMS_A_PAGE = 300

# "Five requests a second an account", "Quotas", Developer Guide; all consoles and scripts of the account share it.
TOO_OFTEN = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
# It looks at no second change of a zone before it has taken in the first.
STILL_BUSY = "PriorRequestNotComplete"
GONE = frozenset({"NoSuchHostedZone", "NoSuchHealthCheck"})
# Their messages repeat what was signed, so they are told in our own words.
BAD_KEYS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# A 4xx that does not say whether the request was looked at.
REQUEST_TIMEOUT = 408


class NotNow(BackendRefused):
    """It takes no more calls for a moment: certainly without effect, and may be tried again."""


class Broken(BackendRefused):
    """A failure of its own, or no answer that makes sense: what was sent may have been done."""


class Gone(BackendRefused):
    """There is no such zone, or health check, for this account."""


class Secrets(Protocol):
    """What must never stand in a message, whoever sends it back to us."""

    @property
    def secret(self) -> str: ...
    @property
    def session(self) -> str: ...


# (method, url, content) -> headers, and what was signed with. Raises BackendUnreachable.
Sign = Callable[[str, str, bytes], tuple[Mapping[str, str], Secrets]]


class Api:
    """Speaks for one account.

    Raises (every call): BackendUnreachable, BackendTimeout, NotNow, Broken, Gone, and BackendRefused for any other no.
    """

    def __init__(self, name: str, client: Client, sign: Sign) -> None:
        self.name, self._client, self._sign = name, client, sign

    def records(self, zone: str, start: Mapping[str, str], deadline: Deadline) -> xml.Page:
        """A page of the list of a zone, from (and with) `start`: name, type, and identifier within a group."""
        query = {**start, "maxitems": str(ITEMS_A_PAGE)}
        return self._read(self._call(deadline, "GET", f"{_zone(zone)}/rrset", query=query), xml.page_of)

    def change(self, zone: str, batch: bytes, deadline: Deadline) -> str:
        """All of it or nothing. Gives what AWS calls the change."""
        return self._read(self._call(deadline, "POST", f"{_zone(zone)}/rrset/", batch), xml.change_id_of)

    def protections(self, zone: str, deadline: Deadline) -> Mapping[tuple[str, str], str]:
        """By (name, type) the comment of everything in the zone that somebody has protected from changes."""
        found: dict[tuple[str, str], str] = {}
        token = ""
        for _ in range(MOST_PAGES):
            query = {"nexttoken": token} if token else {}
            raw = self._call(deadline, "GET", f"{_zone(zone)}/rrsetprotection", query=query)
            page, token = self._read(raw, xml.protections_of)
            found |= page
            if not token:
                return found
        raise Broken(f"{self.name} did not give its whole list")

    def check_health_check(self, identifier: str, deadline: Deadline) -> None:
        """Raises Gone where there is no such health check."""
        if not identifier or not HEALTH_CHECK.fullmatch(identifier):
            raise ValueError(f"{identifier!r} is no id")
        self._call(deadline, "GET", f"/healthcheck/{identifier}")

    def close(self) -> None:
        self._client.close()

    def _read(self, raw: Raw, what: Callable[[bytes], xml.Read]) -> xml.Read:
        try:
            return what(raw.content)
        except xml.Unreadable as error:
            raise Broken(f"{self.name} gave no usable answer: {error}") from None

    def _call(
        self, deadline: Deadline, method: str, path: str, content: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Raw:
        # As the signature wants it: everything but these signs escaped, a space as %20.
        asked = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in (query or {}).items())
        path = f"{VERSION}{path}?{asked}" if asked else f"{VERSION}{path}"
        headers, secrets = self._sign(method, self._client.url.rstrip("/") + path, content)
        kind = {"Content-Type": "application/xml"} if content else {}
        raw = self._client.exchange(deadline, method, path, content or None, {**headers, **kind})
        if raw.status != 200:
            raise self._error(raw, secrets)
        return raw

    def _error(self, raw: Raw, secrets: Secrets) -> BackendRefused:
        code, message = xml.error_of(raw.content)
        if code in TOO_OFTEN or raw.status == 429:
            return NotNow(f"{self.name} takes 5 calls a second of an account, and had more; try again in a few seconds")
        if code == STILL_BUSY:
            return NotNow(f"{self.name} has not taken in an earlier change of this zone; try again in a few seconds")
        if not code or raw.status == REQUEST_TIMEOUT or not 400 <= raw.status < 500:
            return Broken(f"{self.name} gave no usable answer, with status {raw.status}")
        if code in BAD_KEYS:
            return BackendRefused(f"{self.name} does not accept our keys ({code}); they, or our clock, are not right")
        words = _told(message, secrets)
        if code in GONE:
            return Gone(f"{self.name} knows nothing by that id{words}")
        denied = code.startswith("AccessDenied")
        return BackendRefused(f"{self.name} {'does not allow this to our keys' if denied else 'refused'}{words}")


def _zone(zone: str) -> str:
    """Part of an address, so nothing that could lead elsewhere; never empty, for that would be another call."""
    if not ZONE.fullmatch(zone):
        raise ValueError(f"{zone!r} is no id")
    return f"/hostedzone/{zone}"


def _told(message: str, secrets: Secrets) -> str:
    """A message of theirs, for the end of a sentence."""
    # Secrets go first: a part of one that a cut leaves would not be found any more.
    for secret in (secrets.secret, secrets.session):
        message = message.replace(secret, "(our key)") if secret else message
    text = "".join(sign for sign in " ".join(message.split()) if sign.isprintable())
    return f": {text[:LONGEST_WORDS]}" if text else ""
