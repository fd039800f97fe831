"""The settings of an on-call system: where it is asked, and with which token."""

from __future__ import annotations

from collections.abc import Mapping

from incidents.wire.http import Client, check_url, trust
from incidents.wire.settings import Secret, Settings

SETTINGS = frozenset({"url", "token", "ca"})


def client_of(name: str, settings: Mapping[str, object], secret: Secret) -> Client:
    """A client that is not yet connected. Raises InventoryFault for a setting that is unknown or ill-typed."""
    given = Settings.of(settings, SETTINGS)
    url = check_url("url", given.text("url"), plain=True)
    headers = {"Authorization": f"Bearer {given.secret('token', secret)}"} if given.has("token") else {}
    tls = trust("ca", given.secret("ca", secret)) if given.has("ca") else None
    return Client(name, url, headers, tls)
