"""The kinds of backends and probes that there are, by the word that the inventory uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from incidents.adapters.base import Adapter
from incidents.adapters.bird import Bird
from incidents.adapters.cloudflare_byoip import CloudflareByoip
from incidents.adapters.gateway_httproute import GatewayHttpRoute
from incidents.adapters.git import Git
from incidents.adapters.git_document import GitDocument
from incidents.adapters.gobgp import GoBgp
from incidents.adapters.haproxy import HaProxy
from incidents.adapters.hook import Hook
from incidents.adapters.kubernetes_deployment import KubernetesDeployment
from incidents.adapters.kubernetes_networkpolicy import KubernetesNetworkPolicy
from incidents.adapters.powerdns import PowerDns
from incidents.adapters.route53 import Route53
from incidents.adapters.simulated import Simulated
from incidents.probes.base import Probe
from incidents.probes.http import Http
from incidents.probes.name import Name
from incidents.probes.route import Route
from incidents.probes.rpki import Rpki
from incidents.probes.tcp import Tcp


class AdapterKind(Protocol):
    """A class of adapters. Both verbs raise InventoryFault; neither connects to anything."""

    def normalize_key(self, key: str) -> str:
        """The one form of a key."""

    def from_settings(
        self,
        *,
        name: str,
        settings: Mapping[str, object],
        secret: Callable[[str], str],
        keys: frozenset[str],
        budget_seconds: float,
    ) -> Adapter:
        """Makes the adapter of one backend, with the keys that the inventory binds to it."""


class ProbeKind(Protocol):
    """A class of probes."""

    def from_settings(
        self, *, name: str, settings: Mapping[str, object], secret: Callable[[str], str], budget_seconds: float
    ) -> Probe:
        """Makes one probe, without connecting. Raises InventoryFault."""


ADAPTERS: dict[str, AdapterKind] = {
    "bird": Bird,
    "cloudflare-byoip": CloudflareByoip,
    "gateway-httproute": GatewayHttpRoute,
    "git": Git,
    "git-document": GitDocument,
    "gobgp": GoBgp,
    "haproxy": HaProxy,
    "hook": Hook,
    "kubernetes-deployment": KubernetesDeployment,
    "kubernetes-networkpolicy": KubernetesNetworkPolicy,
    "route53": Route53,
    "powerdns": PowerDns,
    "simulated": Simulated,
}
PROBES: dict[str, ProbeKind] = {"http": Http, "name": Name, "route": Route, "rpki": Rpki, "tcp": Tcp}
# These connect to an address of their own for every watch.
CONNECTING = frozenset({"http", "name", "tcp"})
