"""What inventory.yaml says of the services and pools of the demo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from incidents.lab.demo import BALANCER, PLACES, REPOSITORY, Organization, Pool, Service

Node: TypeAlias = dict[str, object]

WEB_PROBE = "web"
FRONT_PROBE = "front"
# Enough to meet each of three origins, however a balancer spreads them.
REQUESTS = 6


def binding(location: str, backend: str, aspect: str, key: str) -> Node:
    return {"location": location, "backend": backend, "aspect": aspect, "key": key}


def backends(control: str, repository: Mapping[str, Any], balancer: Mapping[str, Any]) -> list[Node]:
    """
    Args:
        control: `host:port` of the world.
        repository, balancer: as in lab.json.
    """
    git = {"url": repository["url"], "branch": repository["branch"]} if repository["kind"] == "git" else None
    real = balancer["kind"] == "haproxy"
    haproxy = {"address": balancer["socket"], "state_file": balancer["state_file"]} if real else None
    return [backend(REPOSITORY, "git", git, control), backend(BALANCER, "haproxy", haproxy, control)]


def probes() -> list[Node]:
    return [
        {"name": WEB_PROBE, "kind": "http", "budget_seconds": 2, "settings": {"path": "/", "expect_text": "checkout"}},
        {"name": FRONT_PROBE, "kind": "http", "budget_seconds": 2, "settings": {"path": "/", "requests": REQUESTS}},
    ]


def service(given: Service, pages: Mapping[str, str]) -> Node:
    """A service, deployed from its folder in the repository at every location; `pages` are their addresses."""
    bindings = [binding(place.name, REPOSITORY, "source", given.key(place)) for place in PLACES]
    return resource("service", given.name, given.title, bindings, WEB_PROBE, pages)


def pool(given: Pool, fronts: Mapping[str, str]) -> Node:
    """A pool with one origin a location; `fronts` are the addresses where it is looked at from each."""
    bindings = [binding(place.name, BALANCER, "weight", given.key(place)) for place in PLACES]
    return resource("pool", given.name, given.title, bindings, FRONT_PROBE, fronts)


def preapprovals(organizations: Sequence[Organization]) -> Iterator[Node]:
    """For each organization those that its services and pools need."""
    for organization in organizations:
        services = [service.name for service in organization.services]
        pools = [pool.name for pool in organization.pools]
        if services:
            terms: Node = {"stages": [1, "100%"], "usual_seconds": [2, 30]}
            yield preapproval(organization, "revert_deploy", services, terms, WEB_PROBE)
        if pools:
            for action, steps in (("shift_traffic_back", [10, 50, 100]), ("shift_traffic_away", [50, 100])):
                terms = {"steps": steps, "minimum_percent": 50}
                yield preapproval(organization, action, pools, terms, FRONT_PROBE)


def preapproval(organization: Organization, action: str, resources: list[str], terms: Node, probe: str) -> Node:
    """One of tier 1, proven by one probe; `terms` are those besides."""
    short = organization.name.removeprefix("example-")
    return {
        "name": f"{short}-{action.removeprefix('shift_').replace('_', '-')}",
        "action": action,
        "organization": organization.name,
        "resources": list(resources),  # one list used twice would be written as an alias, which no inventory may hold
        "groups": [f"{organization.name}/operators"],
        "tier": 1,
        **terms,
        "most_resources": 5,
        "proof": {"probes": [probe], "in_a_row": 2, "every_ms": 100, "within_seconds": 60},
    }


def backend(name: str, kind: str, settings: Mapping[str, object] | None, control: str) -> Node:
    """The real one where it has settings, else the one that the world plays."""
    if settings is None:
        kind, settings = "simulated", {"address": control}
    return {"name": name, "kind": kind, "budget_seconds": 3, "slots": 4, "settings": settings}


def resource(
    kind: str, name: str, title: str, bindings: Sequence[Node], probe: str, addresses: Mapping[str, str]
) -> Node:
    """A resource that is looked at from every location, at these addresses."""
    watch = [{"probe": probe, "location": place.name, "address": addresses[place.name]} for place in PLACES]
    return {"kind": kind, "name": name, "title": title, "bindings": bindings, "watch": watch}
