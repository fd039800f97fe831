"""What the inventory may say about a GoBGP router, and which keys it can have."""

from __future__ import annotations

import pytest

from incidents.adapters.gobgp import GoBgp
from incidents.domain.errors import InventoryFault

KEY, SIX = "203.0.113.0/24", "2001:db8:100::/48"
GOOD = {"address": "127.0.0.1:50051"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "settings.address"),
        ({"address": ""}, "settings.address"),
        ({"address": "router"}, "settings.address"),
        ({"address": "router:99999"}, "settings.address"),
        ({"address": "2001:db8::1:50051"}, "settings.address"),
        ({**GOOD, "adress": "x"}, "settings.adress"),
        ({**GOOD, "tls": "yes"}, "settings.tls"),
        ({**GOOD, "tls_ca": "file:/ca.pem"}, "settings.tls_ca"),
        ({**GOOD, "tls": True, "tls_ca": "-----BEGIN"}, "settings.tls_ca"),
        ({**GOOD, "tls": True, "tls_key": "file:/key.pem"}, "settings.tls_certificate"),
        ({**GOOD, "tls": True, "tls_certificate": "file:/cert.pem"}, "settings.tls_key"),
        ({**GOOD, "tls": True, "tls_name": 5}, "settings.tls_name"),
    ],
)
def test_bad_settings(settings: dict[str, object], path: str) -> None:
    with pytest.raises(InventoryFault) as fault:
        GoBgp.from_settings(name="r", settings=settings, secret=str, keys=frozenset(), budget_seconds=1)
    assert fault.value.path == path
    assert "BEGIN" not in str(fault.value)


@pytest.mark.parametrize("key", [KEY, SIX, "192.0.2.1/32"])
def test_good_keys(key: str) -> None:
    assert GoBgp.normalize_key(key) == key


def test_a_key_is_made_canonical() -> None:
    assert GoBgp.normalize_key("2001:DB8:100:0::/48") == SIX


@pytest.mark.parametrize(
    "key", ["", "203.0.113.0", "203.0.113.1/24", "203.0.113.0/33", "0.0.0.0/0", "::/0", "fe80::%1/64", "all"]
)
def test_bad_keys(key: str) -> None:
    with pytest.raises(InventoryFault):
        GoBgp.normalize_key(key)
