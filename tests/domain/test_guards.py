"""Each guard alone: what stops it, and that everything else passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from incidents.domain.circumstances import CallersConsent, Circumstances, Frozen, Lately, Proposal, Tripped
from incidents.domain.findings import Severity, blockers
from incidents.domain.guards import check
from incidents.domain.routes import unsafe
from incidents.domain.terms import Window, read_terms
from tests.domain.test_plans import TERMS, change

NOW = datetime(2026, 2, 20, 18, 0, tzinfo=UTC)
UP = change("edge-a")
PROPOSAL = Proposal((UP,), "d" * 64, TERMS)
FROZEN = (Frozen("the support desk", NOW, "We look at the routers"),)
FINE = Circumstances(allowed=True, preapproval="d" * 64, covered=frozenset({UP.resource}))


def codes(proposal: Proposal, known: Circumstances) -> list[str]:
    return [finding.code for finding in blockers(check(proposal, known, NOW))]


def test_nothing_speaks_against_a_fine_proposal() -> None:
    assert codes(PROPOSAL, FINE) == []


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (replace(FINE, allowed=False), "guard.permission"),
        (replace(FINE, preapproval="e" * 64), "guard.preapproval"),
        (replace(FINE, preapproval=""), "guard.preapproval"),
        (replace(FINE, sealed=False), "guard.seal"),
        (replace(FINE, sealed=False, agreed=True), "guard.seal"),
        (replace(FINE, approval="approval.missing"), "guard.second-person"),
        (replace(FINE, covered=frozenset()), "guard.not-covered"),
        (replace(FINE, busy={UP.resource: "RUN-7F3K-92"}), "guard.one-at-a-time"),
        (replace(FINE, lately=Lately(organization=20)), "guard.window-organization"),
        (replace(FINE, lately=Lately(platform=200)), "guard.window-platform"),
        (replace(FINE, breaker=Tripped(NOW, "12 of 13 runs did not work.")), "guard.breaker"),
        (replace(FINE, freezes=FROZEN), "guard.freeze"),
        (replace(FINE, consent=CallersConsent("")), "guard.consent"),
        (replace(FINE, consent=CallersConsent("Kim", ended_by="Robin", over=True)), "guard.consent"),
        (replace(FINE, consent=CallersConsent("Kim", over=True)), "guard.consent"),
    ],
)
def test_each_guard_stops_alone(known: Circumstances, code: str) -> None:
    assert codes(PROPOSAL, known) == [code]


def test_a_freeze_says_who_since_when_and_why() -> None:
    [finding] = blockers(check(PROPOSAL, replace(FINE, freezes=FROZEN), NOW))
    assert finding.text == "Runs are paused by the support desk since 18:00 UTC: We look at the routers."


def test_a_consent_that_holds_is_shown_as_a_check_that_was_made() -> None:
    found = check(PROPOSAL, replace(FINE, consent=CallersConsent("Kim")), NOW)
    assert blockers(found) == ()
    assert "Kim has agreed to this, for the customer." in [finding.text for finding in found]


def test_what_was_agreed_beforehand_waits_for_a_freeze_but_for_no_consent() -> None:
    known = replace(FINE, agreed=True, allowed=False, consent=CallersConsent("Kim", over=True))
    assert codes(PROPOSAL, known) == []
    assert codes(PROPOSAL, replace(known, freezes=FROZEN)) == ["guard.freeze"]


def test_the_windows_count_what_would_be_added() -> None:
    assert codes(PROPOSAL, replace(FINE, lately=Lately(organization=19, platform=199))) == []


@pytest.mark.parametrize(("already", "expected"), [(4, []), (5, ["guard.window-location"])])
def test_the_window_of_the_location_that_would_be_fullest(already: int, expected: list[str]) -> None:
    proposal = replace(PROPOSAL, terms=replace(TERMS, location_window=Window(5, 10)))
    known = replace(FINE, lately=Lately(locations={"edge-a": already, "edge-b": 9}))
    assert codes(proposal, known) == expected


@pytest.mark.parametrize(("already", "expected"), [(4, []), (5, ["guard.window-zone"])])
def test_the_window_of_a_zone_counts_all_of_its_locations(already: int, expected: list[str]) -> None:
    proposal = replace(PROPOSAL, terms=replace(TERMS, zone_window=Window(5, 10)))
    known = replace(FINE, zone_of={"edge-a": "west", "edge-b": "west"}, lately=Lately(zones={"west": already}))
    assert codes(proposal, known) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(1, ["guard.cool-down"]), (0, [])])
def test_what_was_changed_a_moment_ago_is_left_alone(minutes: int, expected: list[str]) -> None:
    proposal = replace(PROPOSAL, terms=replace(TERMS, cool_down=timedelta(minutes=30)))
    known = replace(FINE, cooling={UP.resource: NOW + timedelta(minutes=minutes)})
    assert codes(proposal, known) == expected
    assert codes(PROPOSAL, known) == []


def test_a_guard_is_overridden_only_by_name_and_only_where_the_preapproval_lets_it() -> None:
    known = replace(FINE, lately=Lately(organization=20, platform=200))
    lets = replace(PROPOSAL, terms=replace(TERMS, overridable=("guard.window-organization", "guard.permission")))
    assert codes(lets, known) == ["guard.window-organization", "guard.window-platform"]
    named = replace(lets, overridden=("guard.window-organization", "guard.window-platform", "guard.permission"))
    assert codes(named, replace(known, allowed=False)) == ["guard.permission", "guard.window-platform"]
    warned = [one.text for one in check(named, known, NOW) if one.severity is Severity.WARNING]
    assert len(warned) == 1
    assert warned[0].startswith("Overridden: 20 were changed for you in the last 60 minutes.")


def test_an_incident_that_must_be_open() -> None:
    proposal = replace(PROPOSAL, terms=replace(TERMS, in_incident=True))
    assert codes(proposal, FINE) == ["guard.incident"]
    assert codes(proposal, replace(FINE, incident_open=True)) == []


@pytest.mark.parametrize(
    ("on_call", "second_person", "expected"),
    [(True, False, []), (False, False, ["guard.on-call"]), (False, True, ["guard.on-call"]),
     (None, False, ["guard.on-call"]), (None, True, [])],
)  # fmt: skip
def test_a_person_who_must_be_on_call(on_call: bool | None, second_person: bool, expected: list[str]) -> None:
    proposal = replace(PROPOSAL, terms=replace(TERMS, on_call="shop"), second_person=second_person)
    assert codes(proposal, replace(FINE, on_call=on_call)) == expected


def test_most_resources() -> None:
    many = tuple(change("edge-a", f"10.0.{number}.0/24") for number in range(11))
    known = replace(FINE, covered=frozenset(item.resource for item in many))
    assert codes(Proposal(many, "d" * 64, TERMS), known) == ["guard.most-resources"]
    assert codes(Proposal(many[:10], "d" * 64, TERMS), known) == []


@pytest.mark.parametrize(("minutes", "expected"), [(0, ["guard.flap"]), (14, ["guard.flap"]), (15, [])])
def test_a_withdrawal_waits_after_an_announcement(minutes: int, expected: list[str]) -> None:
    down = Proposal((UP.reversed(),), "d" * 64, TERMS)
    known = replace(FINE, announced_at={UP.binding: NOW - timedelta(minutes=minutes)})
    assert codes(down, known) == expected


def test_an_announcement_never_waits_but_a_second_one_is_warned_of() -> None:
    known = replace(FINE, announced_at={UP.binding: NOW - timedelta(minutes=5)})
    assert codes(PROPOSAL, known) == []
    warned = [item.code for item in check(PROPOSAL, known, NOW) if item.severity is Severity.WARNING]
    assert warned == ["guard.flap"]


GOOD = {"advertised": True, "next_hop": "192.0.2.1", "as_path": [64500, 64496], "communities": ["64496:1"]}


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (GOOD, []),
        ({**GOOD, "as_path": [64496, 64666]}, ["guard.origin"]),
        ({**GOOD, "as_path": []}, []),
        ({**GOOD, "communities": ["65535:666"]}, ["guard.community"]),
        ({**GOOD, "communities": ["65535:0", "65535:65281", "65535:65282"]}, ["guard.community"] * 3),
        ({**GOOD, "next_hop": ""}, ["guard.next-hop"]),
    ],
)
def test_a_route_must_be_safe(route: dict[str, object], expected: list[str]) -> None:
    found = unsafe("203.0.113.0/24", route, [64496], GOOD)  # type: ignore[arg-type]
    assert [finding.code for finding in found] == expected


def test_a_recorded_community_may_come_back() -> None:
    quiet = {**GOOD, "communities": ["65535:0"]}
    assert list(unsafe("203.0.113.0/24", quiet, [64496], quiet)) == []  # type: ignore[arg-type]


def test_terms_survive_their_json() -> None:
    assert read_terms(TERMS.as_json()) == TERMS
    full = replace(
        TERMS,
        location_window=Window(3, 4),
        zone_window=Window(5, 6),
        cool_down=timedelta(minutes=7),
        overridable=("guard.flap",),
    )
    assert read_terms(full.as_json()) == full
