"""A webhook by Standard Webhooks 1.0.0: a small signed JSON document, sent by POST.

    {"id": "...", "type": "resource-damaged", "timestamp": "2026-11-26T03:04:05Z", "data": {...}}

Source: https://www.standardwebhooks.com, sections "Payload structure", "Webhook headers" and "Signature scheme".
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import partial
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from incidents.adapters.hook_signing import ID, SIGNATURE, TIMESTAMP, Signer
from incidents.domain.errors import BackendTimeout, BackendUnreachable
from incidents.domain.notices import Posting, Result
from incidents.notices.addresses import (
    Address,
    LookUp,
    Network,
    NotReachable,
    addresses_of,
    look_up,
    may_reach,
    numeric,
    plain_host,
)
from incidents.notices.base import Make, Secret
from incidents.wire.deadline import Deadline
from incidents.wire.http import Client, Raw, trust
from incidents.wire.settings import Settings, fault

SETTINGS = frozenset({"url", "secret", "ca"})
# In seconds, for finding, connecting, sending and the whole answer; the specification has 15 to 30.
BUDGET = 15.0
# In bytes. Nothing of an answer is used but its status.
LARGEST_ANSWER = 64 * 1024
GONE = 410
PORTS = {"https": 443, "http": 80}


class Webhook:
    """Sends to one address.

    Args:
        name: slug of the channel, for messages.
        url: checked by `webhook_of`.
        allowed: networks that may be reached though they are not public.
    """

    def __init__(
        self,
        name: str,
        url: str,
        signer: Signer,
        *,
        allowed: Sequence[Network],
        authority: str | None = None,
        resolve: LookUp = look_up,
        budget: float = BUDGET,
    ) -> None:
        parts = urlsplit(url)
        self._name, self._signer, self._allowed, self._resolve = name, signer, tuple(allowed), resolve
        self._scheme, self._host = parts.scheme, plain_host(parts.hostname or "")
        self._port = parts.port or PORTS[parts.scheme]
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = trust("ca", authority) if self._scheme == "https" else None
        self._budget = budget

    def send(self, posting: Posting, to: str = "") -> Result:
        deadline = Deadline(self._budget)
        try:
            found = addresses_of(self._host, self._port, self._allowed, deadline, self._resolve)
            if self._scheme == "http" and not all(_named(address, self._allowed) for address in found):
                raise NotReachable("http:// is only for the networks that NOTICE_NETWORKS names")
            return _judged(self._post(found, posting, deadline))
        except (NotReachable, BackendUnreachable, BackendTimeout) as error:
            return Result(went=False, detail=str(error))
        except TimeoutError:
            return Result(went=False, detail=f"{self._name} was given up after {self._budget:g} s")

    def masked(self, to: str = "") -> str:
        """Only the host: what follows it may let anybody in who knows it."""
        return f"{self._scheme}://{_bracketed(self._host)}/…"

    def close(self) -> None:
        """Nothing is held between two notices."""

    def _post(self, found: Sequence[Address], posting: Posting, deadline: Deadline) -> Raw:
        """To the first address that takes the connection. Each has its share of the time, so a dead one costs no more.

        Raises BackendUnreachable, BackendTimeout, TimeoutError.
        """
        body = json.dumps(payload(posting), separators=(",", ":")).encode()
        headers = self._headers(posting.id, body)
        for left, address in zip(range(len(found), 1, -1), found, strict=False):
            try:
                return self._exchange(address, body, headers, Deadline(deadline.left() / left))
            except BackendUnreachable:
                continue
        return self._exchange(found[-1], body, headers, deadline)

    def _exchange(self, address: Address, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> Raw:
        """The connection goes to this very address; the certificate must be that of the name."""
        url = f"{self._scheme}://{_bracketed(str(address))}:{self._port}"
        client = Client(self._name, url, tls=self._tls, tls_name=self._host, largest=LARGEST_ANSWER)
        try:
            return client.exchange(deadline, "POST", self._path, body, headers)
        finally:
            client.close()

    def _headers(self, identifier: str, body: bytes) -> Mapping[str, str]:
        now = str(int(time.time()))
        port = "" if self._port == PORTS[self._scheme] else f":{self._port}"
        return {
            "Host": f"{_bracketed(self._host)}{port}",
            "Content-Type": "application/json",
            "User-Agent": "Handrail",
            ID: identifier,
            TIMESTAMP: now,
            SIGNATURE: self._signer.sign(identifier, now, body),
        }


def payload(posting: Posting) -> dict[str, object]:
    """What a receiver reads."""
    return {
        "id": posting.id,
        "type": posting.kind,
        "timestamp": posting.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {
            "severity": str(posting.severity),
            "subject": posting.subject,
            "text": posting.text,
            "link": posting.link,
            **posting.data,
        },
    }


def webhook_of(
    name: str, settings: Mapping[str, object], secret: Secret, *, allowed: Sequence[Network], resolve: LookUp = look_up
) -> Webhook:
    """A webhook that is not yet connected. Raises InventoryFault."""
    given = Settings.of(settings, SETTINGS)
    url = given.text("url")
    if url.startswith(("env:", "file:")):
        url = secret(url).strip()
    _check(url, allowed)
    signer = Signer.read("secret", given.secret("secret", secret))
    authority = given.secret("ca", secret) if given.has("ca") else None
    return Webhook(name, url, signer, allowed=allowed, authority=authority, resolve=resolve)


def maker(allowed: Sequence[Network]) -> Make:
    """Makes webhooks that may reach these networks besides the public Internet."""
    return partial(webhook_of, allowed=tuple(allowed))


def _check(url: str, allowed: Sequence[Network]) -> None:
    """Raises InventoryFault. Never repeats the address: it may hold a secret."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at only when it is asked for
        host = plain_host(parts.hostname or "")
    except ValueError as error:
        because = str(error) if "write a numeric" in str(error) else "is no address of a receiver"
        raise fault("url", because) from None
    if parts.scheme not in PORTS or not url.isascii() or not url.isprintable() or " " in url:
        raise fault("url", "must begin with https:// and a host, in ASCII letters")
    if parts.username or parts.password or parts.fragment:
        raise fault("url", "must hold no name, password or fragment")
    literal = numeric(host)
    if literal is not None and not may_reach(literal, allowed):
        raise fault("url", "leads to an address that is not public; NOTICE_NETWORKS names those that are allowed")
    if parts.scheme == "http" and not (_named(literal, allowed) if literal else allowed):
        raise fault("url", "must begin with https://; http:// is only for the networks that NOTICE_NETWORKS names")


def _named(address: Address, allowed: Sequence[Network]) -> bool:
    return any(address in network for network in allowed if network.version == address.version)


def _bracketed(host: str) -> str:
    return f"[{host}]" if isinstance(numeric(host), IPv6Address) else host


def _judged(answer: Raw) -> Result:
    status = str(answer.status)
    if 200 <= answer.status < 300:
        return Result(went=True, status=status)
    if 300 <= answer.status < 400:
        return Result(went=False, status=status, detail="it sends us elsewhere, and we follow nobody there")
    if answer.status == GONE:
        return Result(went=False, status=status, detail="it wants no more of these", final=True)
    return Result(went=False, status=status, detail="it did not take it")
