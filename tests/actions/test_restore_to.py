"""Everything goes back in one plan: in a safe order, with what cannot be seen or was never proven left out by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from incidents.actions.base import Resolved, Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.actions.restore_to import PARTS
from incidents.domain.changes import State
from incidents.domain.facts import ResourceFacts
from incidents.domain.findings import Severity
from incidents.domain.kinds import Kind
from incidents.services.propose import _stages
from tests.actions.facts import NOW, TERMS, codes, resource, side

UP: State = {"advertised": True, "as_path": [64496], "next_hop": "192.0.2.1", "communities": []}
DOWN: State = {"advertised": False}
READY = {"status": {"ready": True}}


def share(weight: int) -> State:
    return {"weight": weight, "mode": "ready", **READY}


def prefix(name: str = "203.0.113.0/24", now: State | None = DOWN) -> ResourceFacts:
    return resource(
        "prefix", name, *(side(place, "route", now, UP, key=name) for place in "ab"), settings={"origins": [64496]}
    )


def policy(now: State | None = None, good: State | None = None) -> ResourceFacts:
    shut, open_ = {"document": "nobody"}, {"document": "everybody"}
    return resource("policy", "gate", *(side(place, "document", now or shut, good or open_) for place in "ab"))


def record(address: str) -> State:
    return {"type": "A", "records": [address]}


def worst_day() -> list[ResourceFacts]:
    return [
        prefix(),
        resource("record", "www A", side("a", "rrset", record("b"), record("a"))),
        resource("pool", "web", side("a", "weight", share(0), share(100)), side("b", "weight", share(100), share(100))),
        resource("service", "shop", side("a", "deploy", {"tree": "bad"}, {"tree": "good"})),
        resource("keys", "login", side("a", "keyset", {"document": "bad"}, {"document": "good"})),
        policy(),
    ]  # fmt: skip


def resolve(resources: list[ResourceFacts], wish: Wish | None = None) -> Resolved:
    return CATALOGUE["restore_to"].resolve(resources, TERMS, wish or Wish(), NOW)


def names(found: Resolved) -> list[str]:
    return list(dict.fromkeys(change.name for change in found.changes))


def test_it_goes_in_a_safe_order_whatever_order_it_is_asked_in() -> None:
    expected = ["gate", "login", "shop", "web", "www A", "203.0.113.0/24"]
    assert names(resolve(worst_day())) == expected
    assert names(resolve(worst_day()[::-1])) == expected
    assert {kind for part in PARTS for kind in part.kinds} == set(Kind)


def test_each_kind_goes_location_by_location_and_traffic_step_by_step(db: None) -> None:
    found = resolve(worst_day())
    terms = replace(TERMS, stages=("1", "100%"), steps=(50, 100))
    found = CATALOGUE["restore_to"].resolve(worst_day(), terms, Wish(), NOW)
    stages = [[(found.changes[i].name, found.changes[i].location) for i in stage] for stage in _stages(found, terms)]
    assert stages == [
        [("gate", "a")], [("gate", "b")], [("login", "a")], [("shop", "a")], [("web", "a")], [("web", "a")],
        [("www A", "a")], [("203.0.113.0/24", "a")], [("203.0.113.0/24", "b")],
    ]  # fmt: skip
    assert [found.changes[stage[0]].after["weight"] for stage in found.stages] == [50, 100]


def test_what_was_never_proven_is_left_out_by_name_and_the_rest_goes_back() -> None:
    found = resolve([policy(), resource("record", "www A", side("a", "rrset", {"type": "A", "records": ["b"]}))])
    assert names(found) == ["gate"]
    assert codes(found.findings, Severity.BLOCKER) == []
    texts = [one.text for one in found.findings if one.severity is Severity.WARNING]
    assert texts == ["We have never seen www A working in Amsterdam. It is left out."]


def test_what_cannot_be_looked_at_is_named_and_not_guessed() -> None:
    found = resolve([prefix(now=None), policy()])
    assert names(found) == ["gate"]
    texts = [one.text for one in found.findings if one.code == "guard.not-seen"]
    assert texts == [
        f"{place} does not answer (no answer in time). Left out there: 203.0.113.0/24."
        for place in ("Amsterdam", "Frankfurt")
    ]
    many = resolve([prefix(f"10.0.{number}.0/24", now=None) for number in range(6)])
    assert "Amsterdam does not answer (no answer in time). Left out there: 6 things." in [
        one.text for one in many.findings
    ]


def test_one_place_that_was_never_proven_keeps_no_other_from_going_back() -> None:
    name = "203.0.113.0/24"
    torn = resource(
        "prefix", name, side("a", "route", DOWN, UP, key=name), side("b", "route", DOWN, key=name),
        settings={"origins": [64496]},
    )  # fmt: skip
    found = resolve([torn])
    assert [change.location for change in found.changes] == ["a"]
    assert [one.text for one in found.findings if one.severity is Severity.WARNING] == [
        f"We have never seen {name} working in Frankfurt. It is left out."
    ]


def test_nothing_to_do_is_not_said_of_what_is_left_out() -> None:
    name = "203.0.113.0/24"
    found = resolve([resource("prefix", name, side("a", "route", DOWN, key=name), settings={"origins": [64496]})])
    assert (found.changes, codes(found.findings, Severity.BLOCKER)) == ((), ["guard.nothing-left"])


def test_what_was_moved_away_on_purpose_stays_away() -> None:
    away = replace(side("a", "weight", share(0), share(100)), away=True)
    pool = resource("pool", "web", away, side("b", "weight", share(100), share(100)))
    found = resolve([pool, policy()])
    assert names(found) == ["gate"]
    assert "web stays away from Amsterdam, where it was moved on purpose and comes back by itself." in [
        one.text for one in found.findings
    ]


def test_one_location_alone() -> None:
    found = resolve(worst_day(), Wish(location="a"))
    assert {change.location for change in found.changes} == {"a"}
    elsewhere = resolve(worst_day(), Wish(location="b"))
    assert names(elsewhere) == ["gate", "203.0.113.0/24"]
    assert {change.location for change in elsewhere.changes} == {"b"}


def test_it_says_to_which_moment() -> None:
    found = resolve([policy()], Wish(moment=NOW - timedelta(hours=1)))
    assert "Everything goes back to what was proven to work by 20 February 2026, 17:00 UTC." in [
        one.text for one in found.findings
    ]


def test_nothing_to_do_is_said() -> None:
    found = resolve([policy(now={"document": "everybody"})])
    assert (found.changes, codes(found.findings, Severity.BLOCKER)) == ((), ["guard.nothing-to-do"])
