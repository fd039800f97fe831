"""States of Route 53: the members of one record set, how they are read, and what speaks against a change.

    {"type": "A", "members": [
        {"id": "eu", "weight": 70, "ttl": 60, "records": ["192.0.2.1"], "health_check": ""},
        {"id": "us", "weight": 30, "alias": {"zone": "Z1", "name": "lb.example.com.", "evaluate_health": true},
         "health_check": ""}]}

Members are sorted by `id`, the SetIdentifier, and records as text. What is not weighted is one member with the id ""
and the weight null. Nothing there is no member; that is observed, and never made.

Weights that are all zero mean equal shares to all of them (Developer Guide, "Weighted routing"), while 0 gets nothing
everywhere else, in Route 53 as in other systems. So they are read as 1 each, and never written: whoever compares,
shares out or shows weights sees what Route 53 does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, State, settings_of

# The shapes ResourceRecordSetWeight, ResourceRecordSetIdentifier, TTL and RData of the service model 2013-04-01.
LARGEST_WEIGHT = 255
LONGEST_ID = 128
LARGEST_TTL = 2147483647
LONGEST_RECORD = 4000
# HealthCheckId has no pattern there; this one is what becomes part of an address when it is asked for.
HEALTH_CHECK = re.compile(r"[0-9A-Za-z-]{0,64}")
# What a label has room for.
MEMBERS_IN_A_LABEL = 6
LONGEST_LABEL = 120

ABSENT = "Route 53 has no such record set"
_COMMON = frozenset({"id", "weight", "health_check"})
_RECORDS = _COMMON | {"ttl", "records"}
_ALIAS = _COMMON | {"alias"}


@dataclass(frozen=True, slots=True)
class Alias:
    """What an alias leads to: a name of AWS, or of the same zone."""

    zone: str
    name: str
    evaluate_health: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One ResourceRecordSet of Route 53. `weight` is None where it is not weighted, `ttl` where it is an alias.

    `records` are in the order that Route 53 gave them: a DELETE repeats what was read.
    """

    id: str
    weight: int | None
    ttl: int | None
    records: tuple[str, ...]
    health_check: str = ""
    alias: Alias | None = None

    def as_json(self) -> JsonObject:
        common: dict[str, Json] = {"id": self.id, "weight": self.weight, "health_check": self.health_check}
        if self.alias:
            to = self.alias
            return {**common, "alias": {"zone": to.zone, "name": to.name, "evaluate_health": to.evaluate_health}}
        return {**common, "ttl": self.ttl, "records": sorted(self.records)}


def state_of(kind: str, members: Sequence[Member]) -> State:
    """The state of a record set as it was read, with what Route 53 means by its weights."""
    if not members:
        return {"type": kind, "members": [], STATUS: {"label": "no such record", "problem": ABSENT}}
    shown = meant(members)
    return {"type": kind, "members": [one.as_json() for one in shown], STATUS: {"label": label_of(shown)}}


def closed_state(kind: str, why: str) -> State:
    """What is not ours to change, and not seen as anything to go back to. `why` is the middle of a sentence."""
    return {"type": kind, "members": [], STATUS: {"label": "not looked after here", "locked": why, "problem": why}}


def meant(members: Sequence[Member]) -> Sequence[Member]:
    """The members in their order; weights that are all zero as 1 each."""
    ordered = sorted(members, key=lambda one: one.id)
    equal = all(one.weight == 0 for one in ordered)
    return [replace(one, weight=1) for one in ordered] if equal else ordered


def label_of(members: Sequence[Member]) -> str:
    """The shares, such as `eu 70 %, us 30 %`; of what is not weighted, the records."""
    total = sum(one.weight or 0 for one in members)
    if total:
        shares = [f"{one.id} {_percent(one.weight or 0, total)}" for one in members[:MEMBERS_IN_A_LABEL]]
        more = len(members) - len(shares)
        text = ", ".join(shares) + (f", and {more} more" if more else "")
    else:
        text = ", ".join(
            f"alias of {one.alias.name}" if one.alias else ", ".join(sorted(one.records)) for one in members
        )
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def members_of(kind: str, state: State) -> Sequence[Member]:
    """The members behind a state that may be written.

    Raises:
        ValueError: it is no state of a record set of this type in its one form, or none that Route 53 could hold. The
            text is the end of a sentence that begins with the key.
    """
    wanted = settings_of(state)
    if wanted.get("type") != kind:
        raise ValueError(f"was to become a record set of another type than {kind}")
    given = wanted.get("members")
    if given == []:
        raise ValueError("was to be left without any member")
    if not isinstance(given, list):
        raise ValueError("was to become something that is no record set")
    members = [_member(one) for one in given]
    if settings_of(state) != {"type": kind, "members": [one.as_json() for one in sorted(members, key=lambda m: m.id)]}:
        raise ValueError("was to become something that is no record set in its one form")
    _check_group(members)
    return members


def _check_group(members: Sequence[Member]) -> None:
    if len({one.id for one in members}) < len(members):
        raise ValueError("was to have two members of one name")
    if any(one.weight is None for one in members) and len(members) > 1:
        raise ValueError("was to have members with and without weights, which Route 53 does not take")
    if all(one.weight == 0 for one in members):
        raise ValueError("was to have no weight but 0, which is equal shares to Route 53; give each of them 1")
    # "All of the resource record sets in a group of weighted ones must have the same value for TTL": shape TTL.
    if len({one.ttl for one in members if one.ttl is not None}) > 1:
        raise ValueError("was to have members with different times to live, which Route 53 does not take")


def _member(given: Json) -> Member:
    if not isinstance(given, Mapping) or set(given) not in (_RECORDS, _ALIAS):
        raise ValueError("was to have a member with other fields than a member has")
    name, weight, health_check = given["id"], given["weight"], given["health_check"]
    if not isinstance(name, str) or len(name) > LONGEST_ID or not name.isprintable():
        raise ValueError("was to have a member with a name that is none")
    if not isinstance(health_check, str) or not HEALTH_CHECK.fullmatch(health_check):
        raise ValueError("was to have a member with a health check that is none")
    if (name == "") != (weight is None):
        raise ValueError("was to have a member with a weight and no name, or with a name and no weight")
    if weight is not None and not _is_whole(weight, LARGEST_WEIGHT):
        raise ValueError(f"was to have a weight that is no whole number from 0 to {LARGEST_WEIGHT}")
    number = weight if isinstance(weight, int) else None
    if "alias" in given:
        return Member(name, number, None, (), health_check, _alias(given["alias"]))
    ttl, records = given["ttl"], given["records"]
    if not isinstance(ttl, int) or not _is_whole(ttl, LARGEST_TTL):
        raise ValueError("was to have a time to live that is no number of seconds")
    if not isinstance(records, list) or not records or not all(_is_record(one) for one in records):
        raise ValueError("was to have a member without records, or with something that is no record")
    if len(set(records)) < len(records):
        raise ValueError("was to have a member with the same record twice")
    return Member(name, number, ttl, tuple(records), health_check)


def _alias(given: Json) -> Alias:
    if not isinstance(given, Mapping) or set(given) != {"zone", "name", "evaluate_health"}:
        raise ValueError("was to have an alias with other fields than an alias has")
    zone, name, evaluate = given["zone"], given["name"], given["evaluate_health"]
    leads = _is_record(zone) and _is_record(name) and isinstance(evaluate, bool)
    if not leads:
        raise ValueError("was to have an alias that leads nowhere")
    return Alias(str(zone), str(name), evaluate is True)


def _is_whole(value: Json, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _is_record(value: Json) -> bool:
    """Text without the signs that XML has no form for; what Route 53 thinks of it, it says itself."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_RECORD:
        return False
    return all(sign.isprintable() or sign in "\t\n" for sign in value)


def _percent(weight: int, total: int) -> str:
    """The share in whole percent; what gets something never reads as nothing, and what is not all never as all."""
    percent = round(100 * weight / total)
    if weight and not percent:
        return "under 1 %"
    return "over 99 %" if percent == 100 and weight < total else f"{percent} %"
