"""A small inventory that is right, and kinds of backends and probes that connect to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from pytest_django import Settings

from incidents.domain.errors import InventoryFault
from incidents.inventory.diff import InventoryDiff
from incidents.inventory.document import Inventory
from incidents.inventory.reading import read
from incidents.inventory.references import resolve
from incidents.inventory.rules import Rules
from incidents.models import AuditEntry
from incidents.services import inventory as inventory_service
from incidents.wire.rota import client_of

EXAMPLE = """\
version: 1
locations:
  - {name: edge-a, title: Amsterdam, zone: eu-west}
  - {name: edge-b, title: Berlin}
backends:
  - name: router-edge-a
    kind: fake
    budget_seconds: 2.5
    settings: {address: "127.0.0.1:50051"}
  - {name: router-edge-b, kind: fake, slots: 2, settings: {address: "127.0.0.1:50052"}}
  - {name: registry, kind: fake, settings: {address: "127.0.0.1:50053", token: "env:TOKEN"}}
probes:
  - {name: collector, kind: route, settings: {}}
  - {name: tcp, kind: tcp}
organizations:
  - name: shop
    title: Example Shop
    resources:
      - kind: prefix
        name: 203.0.113.0/24
        title: shop and checkout
        settings: {origins: [64496]}
        bindings:
          - {location: edge-a, backend: router-edge-a, aspect: route, key: 203.0.113.0/24}
          - {location: edge-b, backend: router-edge-b, aspect: route, key: 203.0.113.0/24}
          - {location: edge-a, backend: registry, aspect: service, key: edge-a/203.0.113.0/24}
        watch:
          - {probe: collector, location: edge-a}
          - {probe: collector, location: edge-b}
          - {probe: tcp, location: edge-a, address: "127.0.0.1:8443"}
      - kind: prefix
        name: 2001:db8::/32
        settings: {origins: [64496, 64497]}
        bindings:
          - {location: edge-a, backend: router-edge-a, aspect: route, key: "2001:db8::/32"}
        watch:
          - {probe: collector, location: edge-a}
  - name: bank
    title: Example Bank
    resources:
      - kind: prefix
        name: 198.51.100.0/24
        settings: {origins: [64500]}
        bindings:
          - {location: edge-a, backend: router-edge-a, aspect: route, key: 198.51.100.0/24}
        watch:
          - {probe: collector, location: edge-a}
people:
  - name: alice
    title: operator of Example Shop
    password: env:ALICE
    groups: [shop/operators]
  - {name: bob, title: viewer of Example Shop, password: "env:BOB", groups: [shop/viewers]}
preapprovals:
  - name: shop-readvertise
    action: readvertise_prefix
    organization: shop
    resources: every prefix
    groups: [shop/operators]
    tier: 1
    stages: [1, 25%, 100%]
    most_resources: 200
    proof: {probes: [collector], in_a_row: 2}
"""


class FakeBackend:
    """Knows `address` and `token`; keys are lower-cased, and must not be `bad`."""

    @staticmethod
    def normalize_key(key: str) -> str:
        if key == "bad":
            raise InventoryFault("'bad' is no key")
        return key.lower()

    @classmethod
    def from_settings(
        cls,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> FakeBackend:
        if "address" not in settings:
            raise InventoryFault("is missing", path="settings.address")
        if "token" in settings:
            secret(str(settings["token"]))
        return cls()

    def close(self) -> None:
        pass


class FakeProbe:
    @classmethod
    def from_settings(
        cls, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> FakeProbe:
        if settings.get("collector") == "wrong":
            raise InventoryFault("must be bird or gobgp", path="settings.collector")
        return cls()

    def close(self) -> None:
        pass


class QuickArgon2(Argon2PasswordHasher):
    """The same algorithm at its lowest cost: nearly every test here hashes passwords."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.QuickArgon2"]


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(
        backends={"fake": FakeBackend},
        probes={"route": FakeProbe, "tcp": FakeProbe},
        connecting={"tcp"},
        rota=client_of,
        actions={"readvertise_prefix": "prefix"},
        secret=lambda reference: resolve(reference, tmp_path),
    )


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALICE", "BOB", "TOKEN"):
        monkeypatch.setenv(name, f"secret of {name.lower()}")


Reader = Callable[[str], Inventory]


@pytest.fixture
def inventory(rules: Rules) -> Reader:
    """Reads a text that must be right."""

    def reader(text: str) -> Inventory:
        found = read(text, rules)
        assert isinstance(found, Inventory), "\n".join(map(str, found))
        return found

    return reader


Apply = Callable[[str], InventoryDiff]


@pytest.fixture
def apply(inventory: Reader) -> Apply:
    return lambda text: inventory_service.apply(inventory(text), by="engineer")


def entries(event: str) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(event=event).order_by("index")
    return [json.loads(bytes(row.body)) for row in rows]


def replaced(old: str, new: str, text: str = EXAMPLE) -> str:
    """The example with one place changed; the place must be there exactly once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def the_fault(text: str, rules: Rules) -> InventoryFault:
    found = read(text, rules)
    assert isinstance(found, list), "no fault was found"
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def large(prefixes: int) -> str:
    """One organization with so many prefixes, each with three bindings and three watches."""
    lines = ["version: 1", "locations:"]
    lines += [f"  - {{name: edge-{x}, title: Edge {x}}}" for x in "abc"]
    lines += ["backends:"]
    lines += [f'  - {{name: router-{x}, kind: fake, settings: {{address: "127.0.0.1:1"}}}}' for x in "abc"]
    lines += ["probes:", "  - {name: collector, kind: route}", "organizations:", "  - name: shop", "    title: Shop"]
    lines += ["    resources:"]
    for number in range(prefixes):
        name = f"10.{number // 256}.{number % 256}.0/24"
        lines += ["      - kind: prefix", f"        name: {name}", "        settings: {origins: [64496]}"]
        lines += ["        bindings:"]
        lines += [f"          - {{location: edge-{x}, backend: router-{x}, aspect: route, key: {name}}}" for x in "abc"]
        lines += ["        watch:"]
        lines += [f"          - {{probe: collector, location: edge-{x}}}" for x in "abc"]
    lines += ["people: []", "preapprovals:", "  - name: all", "    action: readvertise_prefix"]
    lines += ["    organization: shop", "    resources: every prefix", "    groups: [shop/operators]", "    tier: 2"]
    lines += ["    stages: [1, 100%]", "    most_resources: 2000", "    proof: {probes: [collector]}"]
    return "\n".join(lines) + "\n"
