"""How the kinds for Kubernetes are set up: by a kubeconfig, or from within the cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from incidents.adapters.kube_config import SETTING, Access, read_kubeconfig
from incidents.domain.errors import InventoryFault
from incidents.wire.http import trust
from incidents.wire.settings import Secret, Settings, fault

SETTINGS = frozenset({"kubeconfig", "context", "in_cluster"})


@dataclass(frozen=True, slots=True)
class Pod:
    """What Kubernetes puts into every container that runs under a service account.

    Args:
        directory: holds `token`, which is replaced about every hour, and `ca.crt`.
        environment: holds KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
    """

    directory: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


def read_access(given: Settings, secret: Secret, pod: Pod | None = None) -> Access:
    """Reads the settings `kubeconfig` and `context`, or `in_cluster`. Raises InventoryFault."""
    if given.flag("in_cluster"):
        for name in ("kubeconfig", "context"):
            if given.has(name):
                raise fault(name, "has no meaning with in_cluster: true")
        return _in_cluster(secret, pod or Pod())
    if not given.has(SETTING):
        raise fault(SETTING, "is missing; give it, or in_cluster: true")
    scheme, _, path = given.text(SETTING).partition(":")
    base = PurePath(path).parent if scheme == "file" else None
    context = given.text("context") if given.has("context") else ""
    return read_kubeconfig(given.secret(SETTING, secret), context, base, secret)


def _in_cluster(secret: Secret, pod: Pod) -> Access:
    host = pod.environment.get("KUBERNETES_SERVICE_HOST", "")
    port = pod.environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port.isdigit():
        raise fault("in_cluster", "is true, but KUBERNETES_SERVICE_HOST and _PORT are not set: this is no pod")
    try:
        authority = (pod.directory / "ca.crt").read_text()
    except OSError as error:
        raise fault("in_cluster", f"{pod.directory}/ca.crt cannot be read: {error.strerror}") from None
    try:
        tls = trust("in_cluster", authority)
    except InventoryFault:
        raise fault("in_cluster", f"{pod.directory}/ca.crt holds no certificate in PEM form") from None
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return Access(url, tls, "", lambda: secret(f"file:{pod.directory / 'token'}"))
