"""What inventory.yaml says of what is put back as a whole: policies, records, keys; and of everything at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from incidents.lab.demo import DNS, KEYSETS, PLACES, POLICIES, WWW, Document, Organization
from incidents.lab.homes import OURS
from incidents.lab.inventory_shop import FRONT_PROBE, WEB_PROBE, Node, backend, binding, preapproval, resource

GATE_PROBE = "gate"
SIGN_IN_PROBE = "sign-in"
NAME_PROBE = "names"
# Where the record is changed; it is looked up at every location.
PRIMARY = PLACES[0].name
USUAL_SECONDS = (2, 30)


def backends(control: str, repository: Mapping[str, Any], nameserver: Mapping[str, Any]) -> list[Node]:
    """
    Args:
        control: `host:port` of the world.
        repository, nameserver: as in lab.json.
    """
    policies, keys, dns = None, None, None
    if repository["kind"] == "git":
        policies = {"url": repository["url"], "branch": repository["branch"]}
        keys = {**policies, "holds": "public-keys"}
    if nameserver["kind"] == "powerdns":
        dns = {"url": nameserver["url"], "api_key": f"file:{nameserver['api_key']}"}
    return [
        backend(POLICIES, "git-document", policies, control),
        backend(KEYSETS, "git-document", keys, control),
        backend(DNS, "powerdns", dns, control),
    ]


def probes(nameserver: Mapping[str, Any]) -> list[Node]:
    name = {"name": WWW.host, "port": nameserver["home"]["port"], "expect_text": OURS}
    return [
        {"name": GATE_PROBE, "kind": "http", "budget_seconds": 2, "settings": {"expect_text": "customers are welcome"}},
        {"name": SIGN_IN_PROBE, "kind": "http", "budget_seconds": 2, "settings": {"expect_text": "signed in"}},
        {"name": NAME_PROBE, "kind": "name", "budget_seconds": 2, "settings": name},
    ]


def resources(
    organization: Organization, repository: Mapping[str, Any], nameserver: Mapping[str, Any]
) -> Iterator[Node]:
    for one in organization.policies:
        bindings = _bindings(one, POLICIES, "document")
        yield resource("policy", one.name, one.title, bindings, GATE_PROBE, repository["gates"])
    for record in organization.records:
        bindings = [binding(PRIMARY, DNS, "rrset", record.key)]
        yield resource("record", record.name, record.title, bindings, NAME_PROBE, nameserver["servers"])
    for one in organization.keys:
        bindings = _bindings(one, KEYSETS, "keyset")
        yield resource("keys", one.name, one.title, bindings, SIGN_IN_PROBE, repository["sign_ins"])


def preapprovals(organizations: Sequence[Organization]) -> Iterator[Node]:
    """For each organization those that its policies, records and keys need, and the one for all that is its own."""
    for organization in organizations:
        given = (
            ("roll_back_policy", organization.policies, GATE_PROBE),
            ("restore_record", organization.records, NAME_PROBE),
            ("restore_keys", organization.keys, SIGN_IN_PROBE),
        )
        for action, owned, probe in given:
            if owned:
                terms: Node = {"stages": [1, "100%"], "usual_seconds": list(USUAL_SECONDS)}
                yield preapproval(organization, action, [one.name for one in owned], terms, probe)
        if all(owned for _, owned, _ in given):
            yield _everything(organization)


def _everything(organization: Organization) -> Node:
    """Back to when all worked. Two people need not agree, but nobody does it without reading what it undoes."""
    kinds = (
        organization.prefixes,
        organization.services,
        organization.pools,
        organization.policies,
        organization.records,
        organization.keys,
    )
    owned = [one.name for kind in kinds for one in kind]
    probes = ["collector", "tcp", WEB_PROBE, FRONT_PROBE, GATE_PROBE, NAME_PROBE, SIGN_IN_PROBE]
    return {
        **preapproval(organization, "restore_to", owned, {}, ""),
        "tier": 2,
        "stages": [1, "100%"],
        "usual_seconds": [10, 120],
        "most_resources": len(owned),
        "proof": {"probes": probes, "in_a_row": 2, "every_ms": 100, "within_seconds": 180},
    }


def _bindings(given: Document, backend: str, aspect: str) -> list[Node]:
    return [binding(place.name, backend, aspect, given.key(place)) for place in PLACES]
