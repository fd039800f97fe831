"""What an edge is: where it listens, what it announces, and the configuration of the daemon that plays it."""

from __future__ import annotations

from dataclasses import dataclass

AS_NUMBER = 64512  # of all speakers: over eBGP GoBGP would rewrite the next hop to its own loopback address


@dataclass(frozen=True, slots=True)
class Edge:
    """One router: its location, its address of 127.0.0.0/8, the port of BGP and the one of gRPC."""

    location: str
    host: str
    bgp_port: int
    api_port: int

    @property
    def api(self) -> str:
        return f"{self.host}:{self.api_port}"


@dataclass(frozen=True, slots=True)
class Route:
    """What an edge announces for a prefix; `community` as `asn:value`."""

    prefix: str
    origin_as: int
    community: str
    next_hop: str


def configuration(edge: Edge, collector_host: str, collector_port: int) -> str:
    """gobgpd's configuration. It waits for the collector to call: its own calls come 5 s apart at best."""
    families = "".join(
        f'  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = "{family}"\n'
        for family in ("ipv4-unicast", "ipv6-unicast")
    )
    return f"""[global.config]
  as = {AS_NUMBER}
  router-id = "{edge.host}"
  port = {edge.bgp_port}
  local-address-list = ["{edge.host}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{collector_host}"
    peer-as = {AS_NUMBER}
  [neighbors.transport.config]
    passive-mode = true
    local-address = "{edge.host}"
    remote-port = {collector_port}
  [neighbors.timers.config]
    connect-retry = 2
    idle-hold-time-after-reset = 1
{families}"""


def arguments(program: str, edge: Edge, configuration_file: str) -> list[str]:
    return [program, "-f", configuration_file, f"--api-hosts={edge.api}", "--pprof-disable", "-l", "warn", "-p"]
