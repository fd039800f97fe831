"""Rules that keep a route announcement safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from incidents.domain.canonical import Json
from incidents.domain.changes import State
from incidents.domain.findings import Finding, Severity

# IANA "BGP Well-known Communities": a route that carries one of these is sent nowhere, or used by nobody.
QUIETING = {
    "65535:0": "GRACEFUL_SHUTDOWN (RFC 8326)",
    "65535:666": "BLACKHOLE (RFC 7999)",
    "65535:65281": "NO_EXPORT (RFC 1997)",
    "65535:65282": "NO_ADVERTISE (RFC 1997)",
}


def origin(route: State) -> int | None:
    """The AS number at the end of the path, which is the one that says "this is mine"; None for an empty path."""
    path = _list(route.get("as_path"))
    last = path[-1] if path else None
    return last if isinstance(last, int) else None


def unsafe(name: str, route: State, origins: Sequence[Json], recorded: State) -> Iterator[Finding]:
    """What speaks against announcing `route`: blockers only.

    Args:
        name: the prefix, for the text.
        route: what would be announced.
        origins: AS numbers that may originate it, from the inventory.
        recorded: the announcement that was proven good; only what it carried may be carried again.
    """
    asn = origin(route)
    if asn is not None and asn not in origins:
        yield Finding(
            "guard.origin",
            Severity.BLOCKER,
            f"{name} would be announced from AS{asn}, which is not an authorised origin of it.",
            name,
        )
    had = set(_list(recorded.get("communities")))
    for community in _list(route.get("communities")):
        if community in QUIETING and community not in had:
            yield Finding(
                "guard.community",
                Severity.BLOCKER,
                f"{name} would carry {QUIETING[str(community)]}, so other networks would not use it.",
                name,
            )
    if not route.get("next_hop"):
        yield Finding("guard.next-hop", Severity.BLOCKER, f"{name} has no next hop to be announced with.", name)


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()
