"""What kinds of resources there are, and the sides (aspects) of each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Kind(StrEnum):
    PREFIX = "prefix"  # an address range that is announced to other networks
    SERVICE = "service"  # something that is deployed and answers requests
    POOL = "pool"  # origins of several locations that share the traffic of one service
    POLICY = "policy"  # a document that says who may reach what
    RECORD = "record"  # one set of records of the DNS
    KEYS = "keys"  # public keys or a trust bundle, by which others know whom to let in


# `route` is what is announced, `service` what must be bound for the announcement to help; `source` is where a
# deployment is written down (Git), `deploy` what a cluster runs; `weight` is the share of a location; `document` is
# the text of a policy, `rrset` what a name answers, `keyset` a document of public keys.
ASPECTS = {
    Kind.PREFIX: ("route", "service"),
    Kind.SERVICE: ("source", "deploy"),
    Kind.POOL: ("weight",),
    Kind.POLICY: ("document",),
    Kind.RECORD: ("rrset",),
    Kind.KEYS: ("keyset",),
}
_KINDS = {aspect: kind for kind, aspects in reversed(ASPECTS.items()) for aspect in aspects}
# Sides that no action changes; they are only looked at.
LOOKED_AT = frozenset({"service"})


def kind_of(aspect: str) -> Kind:
    """The kind of resource that has this side. Raises KeyError for one that none has."""
    return _KINDS[aspect]


# The action that puts back each kind, by its name in the catalogue; and the one that puts back all of them.
REPAIR_OF = {
    Kind.PREFIX: "readvertise_prefix",
    Kind.SERVICE: "revert_deploy",
    Kind.POOL: "shift_traffic_back",
    Kind.POLICY: "roll_back_policy",
    Kind.RECORD: "restore_record",
    Kind.KEYS: "restore_keys",
}
EVERYTHING = "restore_to"


def stands_for(action: str, kinds: Iterable[Kind]) -> tuple[str, ...]:
    """The actions whose freezes, breakers and cool-downs hold for this one: itself, and what it does to each kind."""
    parts = [REPAIR_OF[kind] for kind in kinds] if action == EVERYTHING else []
    return tuple(dict.fromkeys([action, *parts]))
