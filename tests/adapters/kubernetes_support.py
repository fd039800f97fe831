"""Adapters for a stand-in of Kubernetes, and the kubeconfigs that lead to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from incidents.adapters.gateway_httproute import GatewayHttpRoute
from incidents.adapters.kube_access import read_access
from incidents.adapters.kube_adapter import KubeAdapter
from incidents.adapters.kube_api import Kube
from incidents.adapters.kubernetes_deployment import KubernetesDeployment
from incidents.adapters.kubernetes_networkpolicy import KubernetesNetworkPolicy
from incidents.domain.changes import Change, State
from incidents.wire.settings import Settings
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import TOKEN
from tests.fakes.kubernetes_recorded import Object, answers

Made = TypeVar("Made", bound=KubeAdapter)

GOOD: Object = answers("revert-repeat")[0]["spec"]["template"]
BAD: Object = answers("bad-deploy")[0]["spec"]["template"]
# A policy that lets nobody in, and the one that was put in its place.
SHUT: Object = answers("networkpolicy")[0]["spec"]
OPEN: Object = answers("networkpolicy")[2]["spec"]


def kubeconfig(server: str, cluster: Mapping[str, Any] | None = None, user: Mapping[str, Any] | None = None) -> str:
    """JSON is YAML too."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "console",
            "contexts": [{"name": "console", "context": {"cluster": "kube-a", "user": "console"}}],
            "clusters": [{"name": "kube-a", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "console", "user": {"token": TOKEN} if user is None else dict(user)}],
        }
    )


def trusting(certificate: Path) -> dict[str, str]:
    """The part of a cluster that trusts this certificate."""
    return {"certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode()}


def reading(text: str) -> Callable[[str], str]:
    """Reads references: this text behind `env:KUBECONFIG`, and files."""
    return lambda reference: (
        text if reference == "env:KUBECONFIG" else Path(reference.removeprefix("file:")).read_text()
    )


def kube(text: str) -> Kube:
    return Kube("kube-a", read_access(Settings({"kubeconfig": "env:KUBECONFIG"}), reading(text)))


def make(
    kind: type[Made],
    server: str,
    keys: Sequence[str],
    budget_seconds: float = 3,
    cluster: Mapping[str, Any] | None = None,
) -> Made:
    return kind.from_settings(
        name="kube-a",
        settings={"kubeconfig": "env:KUBECONFIG"},
        secret=reading(kubeconfig(server, cluster)),
        keys=frozenset(keys),
        budget_seconds=budget_seconds,
    )


def deployments(fake: FakeKubernetes, *keys: str, budget_seconds: float = 3) -> KubernetesDeployment:
    return make(KubernetesDeployment, f"http://{fake.address}", keys, budget_seconds)


def routes(fake: FakeKubernetes, *keys: str, budget_seconds: float = 3) -> GatewayHttpRoute:
    return make(GatewayHttpRoute, f"http://{fake.address}", keys, budget_seconds)


def policies(fake: FakeKubernetes, *keys: str, budget_seconds: float = 3) -> KubernetesNetworkPolicy:
    return make(KubernetesNetworkPolicy, f"http://{fake.address}", keys, budget_seconds)


def change(key: str, before: State, after: State) -> Change:
    return Change("r", key, "edge-a", "kube-a", "b", "deploy", key, before, after)


def with_image(image: str, **spec: Any) -> Object:
    """The good template with another image."""
    container = {**GOOD["spec"]["containers"][0], "image": image}
    return {**GOOD, "spec": {**GOOD["spec"], **spec, "containers": [container]}}


def shown(spec: Any) -> State:
    """The state of a policy with this spec."""
    return {"present": True, "spec": spec}
