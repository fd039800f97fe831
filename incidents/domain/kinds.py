"""What kinds of resources there are, and the sides (aspects) of each."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    PREFIX = "prefix"  # an address range that is announced to other networks
    SERVICE = "service"  # something that is deployed and answers requests
    POOL = "pool"  # origins of several locations that share the traffic of one service


# `route` is what is announced, `service` what must be bound for the announcement to help; `source` is where a
# deployment is written down (Git), `deploy` what a cluster runs; `weight` is the share of a location.
ASPECTS = {
    Kind.PREFIX: ("route", "service"),
    Kind.SERVICE: ("source", "deploy"),
    Kind.POOL: ("weight",),
}
# Sides that no action changes; they are only looked at.
LOOKED_AT = frozenset({"service"})
