"""The demo's inventory.yaml, by the schema of docs/inventory.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from incidents.lab import inventory_shop, inventory_whole
from incidents.lab.demo import PEOPLE, PLACES, REGISTRY, Organization, Prefix
from incidents.lab.inventory_shop import Node, binding

MOST_RESOURCES = 200


@dataclass(frozen=True, slots=True)
class Where:
    """Where the parts of a lab are.

    Args:
        control: `host:port` of the world.
        routers: {location: settings of its router's backend}.
        router_kind: `gobgp` or `simulated`.
        collector: settings of the route probe.
        services: {prefix: {location: "host:port"}}.
        repository, balancer, nameserver: as in lab.json.
        token: reference to the token of the registry.
        passwords: {person: reference}.
    """

    control: str
    routers: Mapping[str, Mapping[str, object]]
    router_kind: str
    collector: Mapping[str, object]
    services: Mapping[str, Mapping[str, str]]
    repository: Mapping[str, Any]
    balancer: Mapping[str, Any]
    nameserver: Mapping[str, Any]
    token: str
    passwords: Mapping[str, str]


def router(location: str) -> str:
    """The slug of the backend that is the router of a location."""
    return f"router-{location}"


def text(where: Where, organizations: Sequence[Organization]) -> str:
    """The whole file."""
    document: Node = {
        "version": 1,
        "locations": [{"name": place.name, "title": place.title, "zone": place.zone} for place in PLACES],
        "backends": _backends(where),
        "probes": _probes(where),
        "organizations": [_organization(organization, where) for organization in organizations],
        "people": [
            {
                "name": person.name,
                "title": person.title,
                "password": where.passwords[person.name],
                "groups": list(person.groups),
            }
            for person in PEOPLE
        ],
        "preapprovals": [
            *map(_readvertise, organizations),
            *inventory_shop.preapprovals(organizations),
            *inventory_whole.preapprovals(organizations),
        ],
        "remove": [],
    }
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    words: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return "# Written by the lab each time it comes up.\n" + words


def _backends(where: Where) -> list[Node]:
    routers: list[Node] = [
        {
            "name": router(location),
            "kind": where.router_kind,
            "budget_seconds": 3,
            "slots": 4,
            "settings": dict(settings),
        }
        for location, settings in where.routers.items()
    ]
    settings = {"address": where.control, "token": where.token}
    registry: Node = {"name": REGISTRY, "kind": "simulated", "budget_seconds": 3, "slots": 4, "settings": settings}
    return [
        *routers,
        registry,
        *inventory_shop.backends(where.control, where.repository, where.balancer),
        *inventory_whole.backends(where.control, where.repository, where.nameserver),
    ]


def _probes(where: Where) -> list[Node]:
    return [
        {"name": "collector", "kind": "route", "budget_seconds": 2, "settings": dict(where.collector)},
        {"name": "tcp", "kind": "tcp", "budget_seconds": 2, "settings": {"expect": "greeting"}},
        *inventory_shop.probes(),
        *inventory_whole.probes(where.nameserver),
    ]


def _organization(organization: Organization, where: Where) -> Node:
    resources = [_resource(prefix, organization.origin_as, where) for prefix in organization.prefixes]
    resources += [inventory_shop.service(service, where.repository["pages"]) for service in organization.services]
    resources += [inventory_shop.pool(pool, where.balancer["fronts"]) for pool in organization.pools]
    resources += inventory_whole.resources(organization, where.repository, where.nameserver)
    return {"name": organization.name, "title": organization.title, "resources": resources}


def _resource(prefix: Prefix, origin_as: int, where: Where) -> Node:
    bindings: list[Node] = []
    watch: list[Node] = []
    for place in PLACES:
        bindings.append(binding(place.name, router(place.name), "route", prefix.name))
        watch.append({"probe": "collector", "location": place.name})
        if prefix.watched_by_tcp:
            bindings.append(binding(place.name, REGISTRY, "service", f"{place.name}/{prefix.name}"))
            address = where.services[prefix.name][place.name]
            watch.append({"probe": "tcp", "location": place.name, "address": address})
    return {
        "kind": "prefix",
        "name": prefix.name,
        "title": prefix.title,
        "settings": {"origins": [origin_as]},
        "bindings": bindings,
        "watch": watch,
    }


def _readvertise(organization: Organization) -> Node:
    return {
        "name": f"{organization.name}-readvertise",
        "action": "readvertise_prefix",
        "organization": organization.name,
        "resources": "every prefix",
        "groups": [f"{organization.name}/operators"],
        **({"tier": 3, "break_glass": True} if organization.takes_two else {"tier": 1}),
        "stages": [1, "100%"],
        "most_resources": max(MOST_RESOURCES, len(organization.prefixes)),
        "tolerate": 1,
        "expire_seconds": 900,
        "usual_seconds": [1, 30],
        "snapshot_days": 30,
        "windows": {"organization": {"most": 2000, "minutes": 60}, "platform": {"most": 20000, "minutes": 60}},
        "flap_minutes": 15,
        "proof": {"probes": ["collector", "tcp"], "in_a_row": 2, "every_ms": 20, "within_seconds": 60},
    }
