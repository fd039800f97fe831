"""A stand-in for an API server that knows HTTPRoutes: two services of one rule, and of two routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from incidents.adapters.base import Adapter
from incidents.adapters.gateway_httproute import GatewayHttpRoute
from tests.adapters.kubernetes_support import make as make_adapter
from tests.adapters.subjects import Subject
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import Cluster

VARIANTS = ("one route", "two routes")
KEYS = {
    "one route": ("shop/web/0/shop-ams", "shop/web/0/shop-fra"),
    "two routes": ("shop/web/1/shop-ams", "shop/api/0/shop-ams"),
}


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    cluster = Cluster()
    for name in ("web", "api"):
        # The third service keeps a weight, so that no test empties a rule.
        cluster.route(name, *[{"shop-ams": 10, "shop-fra": 10, "shop-iad": 1}] * 2)
    cluster.endpoints("shop-ams", True)
    fake = FakeKubernetes(cluster)
    fake.__enter__()
    request.addfinalizer(fake.stop)

    def adapter(address: str, keys: Sequence[str], budget: float, settings: Mapping[str, Any]) -> Adapter:
        return make_adapter(GatewayHttpRoute, f"http://{address}", keys, budget, settings)

    return Subject(
        address=fake.address,
        keys=KEYS[variant],
        states=({"weight": 100, "mode": "ready"}, {"weight": 0, "mode": "ready"}),
        nothing={"weight": 1, "mode": "ready"},
        make=adapter,
        effects=lambda: cluster.writes,
        compares=True,
    )
