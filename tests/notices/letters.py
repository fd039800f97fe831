"""A notice to send, and receivers of it: web servers whose answers a test writes, and names that lead to them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network

from incidents.adapters.hook_signing import Signer
from incidents.domain.notices import Posting, Severity
from incidents.notices.webhook import Webhook
from incidents.wire.settings import Secret

SECRET = f"whsec_{base64.b64encode(b'a secret of the test suite').decode()}"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
POSTING = Posting(
    id="0190c2b4-7f1e-7000-8000-000000000001",
    kind="resource-healthy",
    severity=Severity.URGENT,
    at=datetime(2026, 11, 26, 3, 4, 5, tzinfo=UTC),
    subject="203.0.113.0/24 reachable again from 3 of 3 locations",
    text="Example Shop\n- 203.0.113.0/24",
    link="https://console.example.net/c/example-shop",
    data={"organization": "example-shop", "resources_count": 1},
)


def at(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    """Every name leads to these addresses."""
    return lambda host, port: addresses


def in_turn(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """Every look-up has the next of these answers, as a name server has that is not on our side."""
    left = list(answers)
    return lambda host, port: left.pop(0)


def webhook(url: str, *, secret: str = SECRET, **more: object) -> Webhook:
    """One that may reach this machine."""
    given: dict[str, object] = {"allowed": LOOPBACK, "budget": 5.0, **more}
    return Webhook("shop-hook", url, Signer.read("secret", secret), **given)  # type: ignore[arg-type]


def told(text: str = SECRET) -> Secret:
    return lambda reference: text
