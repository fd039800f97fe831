"""Rules that keep a route announcement safe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from incidents.domain.canonical import Json
from incidents.domain.changes import State
from incidents.domain.findings import Finding, Severity, blocker, passed
from incidents.domain.rpki import Origin, Validity

# IANA "BGP Well-known Communities": a route that carries one of these is sent nowhere, or used by nobody.
QUIETING = {
    "65535:0": "GRACEFUL_SHUTDOWN (RFC 8326)",
    "65535:666": "BLACKHOLE (RFC 7999)",
    "65535:65281": "NO_EXPORT (RFC 1997)",
    "65535:65282": "NO_ADVERTISE (RFC 1997)",
}


def origin(route: State) -> int | None:
    """The AS number that says "this is mine": at the end of the path, or named by the backend; None without either."""
    path = _list(route.get("as_path"))
    last = path[-1] if path else route.get("asn")
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
        yield blocker(
            "guard.origin",
            f"{name} would be announced from AS{asn}, which is not an authorised origin of it.",
            name,
        )
    had = set(_list(recorded.get("communities")))
    for community in _list(route.get("communities")):
        if community in QUIETING and community not in had:
            yield blocker(
                "guard.community",
                f"{name} would carry {QUIETING[str(community)]}, so other networks would not use it.",
                name,
            )
    # A backend that announces by itself, such as a provider's network, knows no next hop of ours.
    if "next_hop" in route and not route["next_hop"]:
        yield blocker("guard.next-hop", f"{name} has no next hop to be announced with.", name)


def remarkable(name: str, route: State) -> Iterator[Finding]:
    """What is announced as it was when it last worked, and should be known all the same: warnings only."""
    for community in _list(route.get("communities")):
        if community in QUIETING:
            mark = QUIETING[str(community)]
            text = f"{name} carries {mark}, as it did when it last worked. Many networks do not use it so."
            yield Finding("guard.community", Severity.WARNING, text, name)
    if origin(route) is None:
        text = f"The route of {name} does not say which network it comes from, so that could not be checked."
        yield Finding("guard.origin", Severity.WARNING, text, name)


def sanctioned(name: str, validity: Validity | None) -> Iterator[Finding]:
    """What the RPKI (RFC 6811) says to announcing the prefix; nothing where no validator is configured.

    Only `invalid` keeps it from being announced: networks that validate would drop it. `not-found` and `unknown` are
    no reason to prolong an outage, and are never called valid.
    """
    if validity is None:
        return
    if validity.state is Origin.INVALID:
        what = {"as": "another network", "length": "another length of prefix"}.get(validity.reason, "something else")
        text = (
            f"The holder of {name} has authorised {what} only ({'; '.join(validity.roas) or 'no record fits'}), so "
            "networks that check this would refuse the announcement."
        )
        yield blocker("guard.rpki", text, name)
    elif validity.state is Origin.NOT_FOUND:
        text = f"Nobody has published who may announce {name}. Networks accept that, but cannot check it."
        yield Finding("guard.rpki", Severity.WARNING, text, name)
    elif validity.state is Origin.UNKNOWN:
        text = f"We could not check who may announce {name} ({validity.detail or 'the validator did not answer'})."
        yield Finding("guard.rpki", Severity.WARNING, text, name)
    else:
        text = f"The holder of {name} has authorised this origin ({'; '.join(validity.roas)})."
        yield passed("guard.rpki", text, name)


def announced_by_others(name: str, heard: Collection[int], origins: Sequence[Json]) -> Iterator[Finding]:
    """A warning when somebody else announces the prefix now: a hijack, or a place of the customer's own.

    It is said and not fought: who is right is for people to find out.
    """
    others = sorted(set(heard) - {asn for asn in origins if isinstance(asn, int)})
    if others:
        who = ", ".join(f"AS{asn}" for asn in others)
        text = f"{name} is announced by {who} now, which is no authorised origin. Call us if you do not know why."
        yield Finding("guard.other-origin", Severity.WARNING, text, name)


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()
