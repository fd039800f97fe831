"""A stand-in for an API server, with the deployment controller; over HTTP and over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from incidents.adapters.base import Adapter
from incidents.adapters.kubernetes_deployment import KubernetesDeployment
from tests.adapters.kubernetes_support import GOOD, trusting, with_image
from tests.adapters.kubernetes_support import make as make_adapter
from tests.adapters.subjects import Subject
from tests.fakes.certificates import make_identity
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import Cluster

VARIANTS = ("HTTP", "HTTPS")


def make(variant: str, request: pytest.FixtureRequest) -> Subject:
    cluster = Cluster()
    for name in ("checkout", "cart"):
        cluster.deployment(name)
    scheme, tls, trust = "http", None, None
    if variant == "HTTPS":
        identity = make_identity(request.getfixturevalue("tmp_path"), "api", "IP:127.0.0.1")
        scheme, tls, trust = "https", identity.server(), trusting(identity.certificate)
    fake = FakeKubernetes(cluster, tls)
    fake.__enter__()
    request.addfinalizer(fake.stop)

    def adapter(address: str, keys: Sequence[str], budget: float, settings: Mapping[str, Any]) -> Adapter:
        return make_adapter(KubernetesDeployment, f"{scheme}://{address}", keys, budget, settings)

    other = with_image("registry.example/checkout:1.44", nodeSelector={"disk": "fast"})
    other["metadata"] = {**GOOD["metadata"], "annotations": {"shop.example/owner": "checkout"}}
    return Subject(
        address=fake.address,
        keys=("shop/checkout", "shop/cart"),
        states=({"template": with_image("registry.example/checkout:1.43")}, {"template": other}),
        nothing={"template": GOOD},
        make=adapter,
        settings=trust or {},
        effects=lambda: cluster.writes,
        compares=True,
    )
