"""A stand-in for an API server that knows NetworkPolicies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from incidents.adapters.base import Adapter
from incidents.adapters.kubernetes_networkpolicy import KubernetesNetworkPolicy
from tests.adapters.kubernetes_support import OPEN, SHUT
from tests.adapters.kubernetes_support import make as make_adapter
from tests.adapters.subjects import Subject
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import Cluster

VARIANTS = ("there", "one of them gone")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    cluster = Cluster()
    cluster.policy("ingress")
    if variant == "there":
        cluster.policy("cart")
    fake = FakeKubernetes(cluster)
    fake.__enter__()
    request.addfinalizer(fake.stop)

    def adapter(address: str, keys: Sequence[str], budget: float, settings: Mapping[str, Any]) -> Adapter:
        return make_adapter(KubernetesNetworkPolicy, f"http://{address}", keys, budget, settings)

    both = {**OPEN, "egress": [{}], "policyTypes": ["Ingress", "Egress"]}
    return Subject(
        address=fake.address,
        keys=("shop/ingress", "shop/cart"),
        states=({"present": True, "spec": OPEN}, {"present": True, "spec": both}),
        nothing={"present": True, "spec": SHUT},
        make=adapter,
        effects=lambda: cluster.writes,
        compares=True,
    )
