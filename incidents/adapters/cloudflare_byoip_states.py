"""Keys and states of Cloudflare BYOIP: what its lists say of one prefix, and what speaks against a change.

    203.0.113.0/24            {"advertised": bool | null, "asn": int | null, "prepend": int}
    203.0.113.0/24/bindings   {"bound": bool, "services": ["CDN", "Spectrum 203.0.113.16/29"]}

`advertised` is null where the API does not tell, which is where it cannot be switched. `asn` is null where the prefix
is advertised under Cloudflare's own. `bound` is whether some service takes the whole prefix; a service that takes only
part of it is named with that part, so that a part that was lost is seen.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from incidents.adapters.prefixes import exact_prefix
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, Change, State, same, settings_of, status_of
from incidents.domain.errors import BackendRefused

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

BINDINGS = "/bindings"
NO_SUCH = "this account has no such prefix at Cloudflare"
ABSENT: State = {"advertised": False, STATUS: {"locked": NO_SUCH}}
ABSENT_BINDINGS: State = {"bound": False, "services": [], STATUS: {"problem": NO_SUCH}}
FIELDS = frozenset({"advertised", "asn", "prepend"})
HOURS = "Service bindings take hours to change and are put right by engineers, not from here."


@dataclass(frozen=True, slots=True)
class Holder:
    """A prefix of the account, which holds what can be advertised: itself, or parts of it.

    Args:
        id: what the API calls it.
        pending: whether Cloudflare has yet to approve it.
    """

    id: str
    pending: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What is there of one key. `route` is the id by which it can be switched; empty where there is none."""

    state: State
    holder: str = ""
    route: str = ""


def normalize_key(key: str) -> str:
    """The canonical prefix, with `/bindings` after it where that is asked for. Raises InventoryFault."""
    prefix = key.removesuffix(BINDINGS)
    return exact_prefix(prefix) + key[len(prefix) :]


def is_bindings(key: str) -> bool:
    return key.endswith(BINDINGS)


def network_of(key: str) -> Network:
    return ipaddress.ip_network(key.removesuffix(BINDINGS))


def find_holders(keys: Iterable[str], prefixes: Sequence[JsonObject]) -> Mapping[str, Holder | None]:
    """The prefix of the account that each key is, or is part of: the longest one. Raises BackendRefused for two."""
    listed = _by_network(prefixes)
    found: dict[str, Holder | None] = {}
    for key in keys:
        network = network_of(key)
        while network not in listed and network.prefixlen > 0:
            network = network.supernet()
        row = _only(key, listed.get(network, []))
        found[key] = Holder(str(row["id"]), row.get("approved") == "P") if row else None
    return found


def sights_of_routes(keys: Iterable[str], holder: Holder, rows: Sequence[JsonObject]) -> Mapping[str, Sight]:
    """By key the entry of exactly that prefix; never one that covers it, nor a part of it.

    Raises BackendRefused for two.
    """
    listed = _by_network(rows)
    exact = {key: _only(key, listed.get(network_of(key), [])) for key in keys}
    return {key: _sight(holder, row) if row else Sight(ABSENT) for key, row in exact.items()}


def state_of_bindings(key: str, rows: Iterable[JsonObject]) -> State:
    """What the services are that addresses of this prefix are led to."""
    network, bound, settled, services = network_of(key), False, True, set()
    for row in rows:
        found, name = _network(row), str(row.get("service_name") or row.get("service_id") or "unnamed")
        if found is None or not (_covers(found, network) or _covers(network, found)):
            continue
        whole = _covers(found, network)
        bound = bound or whole
        services.add(name if whole else f"{name} {found}")
        settled = settled and _object(row.get("provisioning")).get("state") != "provisioning"
    state: dict[str, Json] = {"bound": bound, "services": [*sorted(services)]}
    return state if settled else {**state, STATUS: {"settled": False}}


def refusal(key: str, after: State, now: State) -> tuple[str, str]:
    """Why this key is not to be brought to `after`, as (code, sentence); two empty texts where it is."""
    if is_bindings(key):
        return "backend.locked", HOURS
    if same(now, after):
        return "", ""
    wanted, there = settings_of(after), settings_of(now)
    if set(there) != FIELDS:
        return "backend.no-such-key", f"{key} cannot be switched: {NO_SUCH}."
    if set(wanted) != FIELDS or not isinstance(wanted["advertised"], bool):
        return "backend.not-writable", f"{key} was to become something that is no state of a route; nothing was sent."
    if {**wanted, "advertised": None} != {**there, "advertised": None}:
        return "backend.not-writable", f"Of {key} only whether it is advertised can be changed here, not how."
    locked = status_of(now).get("locked")
    return ("backend.locked", f"{key} cannot be switched: {locked}.") if locked else ("", "")


def has_moved(change: Change, now: State) -> bool:
    """Whether it is neither what it was when the plan was made, nor what it shall be."""
    return not same(now, change.before) and not same(now, change.after)


def _sight(holder: Holder, row: JsonObject) -> Sight:
    demand, asn, prepend = _object(row.get("on_demand")), row.get("asn"), row.get("asn_prepend_count")
    advertised = demand.get("advertised")
    state: dict[str, Json] = {
        "advertised": advertised if isinstance(advertised, bool) else None,
        "asn": asn if isinstance(asn, int) else None,
        "prepend": prepend if isinstance(prepend, int) else 0,
    }
    locked = _locked(holder, row, demand)
    return Sight({**state, STATUS: {"locked": locked}} if locked else state, holder.id, str(row["id"]))


def _locked(holder: Holder, row: JsonObject, demand: JsonObject) -> str:
    """Why it cannot be switched, for the end of a sentence; empty where it can."""
    if holder.pending:
        return "Cloudflare has not approved it yet"
    if demand.get("on_demand_locked") is True:
        return "Cloudflare has locked it"
    if _object(row.get("bgp_signal_opts")).get("enabled") is True:
        return "it is switched by a BGP session, not by the API"
    if demand.get("on_demand_enabled") is False:
        return "Cloudflare has not enabled that for it"
    return ""


def _by_network(rows: Iterable[JsonObject]) -> Mapping[Network, list[JsonObject]]:
    listed: dict[Network, list[JsonObject]] = defaultdict(list)
    for row in rows:
        network = _network(row)
        if network is not None:
            listed[network].append(row)
    return dict(listed)


def _only(key: str, rows: Sequence[JsonObject]) -> JsonObject | None:
    if len(rows) > 1:
        raise BackendRefused(f"Cloudflare lists {key} more than once, so we cannot tell which one is meant")
    return rows[0] if rows else None


def _network(row: JsonObject) -> Network | None:
    try:
        return ipaddress.ip_network(str(row.get("cidr")))
    except ValueError:
        return None


def _covers(wide: Network, narrow: Network) -> bool:
    """Whether `narrow` is `wide`, or part of it."""
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]  # of one version


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
