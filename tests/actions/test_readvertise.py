"""What speaks against announcing a prefix again, beyond what the pages' tests walk through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incidents.actions.base import Resolved, Wish
from incidents.actions.readvertise_prefix import ReadvertisePrefix
from incidents.domain.changes import State
from incidents.domain.findings import Severity
from incidents.domain.rpki import Origin, Validity
from tests.actions.facts import NOW, TERMS, codes, resource, side
from tests.factories import good_route

NAME = "203.0.113.0/24"
GONE: State = {"advertised": False}
CLOUD: State = {"advertised": True, "asn": 64496, "prepend": 0}


def resolve(now: State, good: State, validity: Validity | None = None, key: str = NAME) -> Resolved:
    facts = resource(
        "prefix", NAME, side("a", "route", now, good, key=key), settings={"origins": [64496]}, validity=validity
    )
    return ReadvertisePrefix().resolve([facts], TERMS, Wish(), NOW)


@pytest.mark.parametrize(
    ("now", "good", "code"),
    [
        (GONE, {**good_route(), "as_path": [64666]}, "guard.origin"),
        (GONE, {**good_route(), "next_hop": ""}, "guard.next-hop"),
        ({**CLOUD, "advertised": False}, {**CLOUD, "asn": 64666}, "guard.origin"),
        ({**GONE, "status": {"locked": "its holder has locked it"}}, good_route(), "guard.locked"),
        ({**GONE, "status": {"sessions": 0}}, good_route(), "guard.no-session"),
    ],
)
def test_it_refuses(now: State, good: State, code: str) -> None:
    resolved = resolve(now, good)
    assert codes(resolved.findings, Severity.BLOCKER) == [code]
    assert resolved.changes == ()


@pytest.mark.parametrize(
    ("good", "code"),
    [
        ({**good_route(), "communities": ["65535:666"]}, "guard.community"),
        ({**good_route(), "as_path": []}, "guard.origin"),
    ],
)
def test_what_was_recorded_and_is_odd_is_told_before_it_is_announced_again(good: State, code: str) -> None:
    resolved = resolve(GONE, good)
    assert codes(resolved.findings, Severity.WARNING) == [code]
    assert codes(resolved.findings, Severity.BLOCKER) == []
    assert code == "guard.community" or code not in codes(resolved.findings, Severity.PASSED)


def test_another_prefix_than_that_of_the_inventory_is_refused() -> None:
    assert codes(resolve(GONE, good_route(), key="203.0.113.0/25").findings, Severity.BLOCKER) == ["guard.exact-prefix"]


def test_a_network_that_announces_by_itself_needs_no_next_hop_of_ours() -> None:
    resolved = resolve({**CLOUD, "advertised": False}, CLOUD)
    assert codes(resolved.findings, Severity.BLOCKER) == []
    assert [change.after for change in resolved.changes] == [CLOUD]


@pytest.mark.parametrize(
    ("validity", "severity", "words"),
    [
        (Validity(Origin.VALID, roas=("AS64496 203.0.113.0/24 max /24",)), Severity.PASSED, "AS64496"),
        (Validity(Origin.INVALID, "as", ("AS64499 203.0.113.0/24 max /24",)), Severity.BLOCKER, "another network"),
        (Validity(Origin.INVALID, "length", ("AS64496 203.0.112.0/22 max /22",)), Severity.BLOCKER, "another length"),
        (Validity(Origin.NOT_FOUND), Severity.WARNING, "Nobody has published"),
        (Validity(Origin.UNKNOWN, detail="it was last fresh 3 hours ago"), Severity.WARNING, "3 hours ago"),
    ],
)
def test_what_the_rpki_says_is_told_and_only_invalid_stops_it(
    validity: Validity, severity: Severity, words: str
) -> None:
    resolved = resolve(GONE, good_route(), validity)
    (finding,) = [one for one in resolved.findings if one.code == "guard.rpki"]
    assert (finding.severity, words in finding.text) == (severity, True)


def test_without_a_validator_nothing_is_claimed() -> None:
    assert "guard.rpki" not in [one.code for one in resolve(GONE, good_route()).findings]


def test_another_network_that_announces_it_now_is_told_of_and_not_fought() -> None:
    facts = resource("prefix", NAME, side("a", "route", GONE, good_route(), key=NAME), settings={"origins": [64496]})
    for heard, told in ((frozenset({64496}), []), (frozenset({64496, 64666}), ["guard.other-origin"])):
        resolved = ReadvertisePrefix().resolve([replace(facts, heard=heard)], TERMS, Wish(), NOW)
        assert codes(resolved.findings, Severity.WARNING) == told
        assert len(resolved.changes) == 1
