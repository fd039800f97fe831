"""Policies, records and keys: back as a whole to what last worked, and what speaks against that."""

from __future__ import annotations

import pytest

from incidents.actions.base import Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.actions.restore_record import longest_life
from incidents.domain.changes import State
from incidents.domain.findings import Severity
from tests.actions.facts import NOW, TERMS, codes, resource, side

OPEN: State = {"document": "allow: everybody\n"}
SHUT: State = {"document": "allow: nobody\n"}
HERE: State = {"type": "A", "ttl": 300, "records": ["192.0.2.1"]}
THERE: State = {"type": "A", "ttl": 3600, "records": ["198.51.100.9"]}


@pytest.mark.parametrize(
    ("action", "kind", "aspect", "good", "now"),
    [
        ("roll_back_policy", "policy", "document", OPEN, SHUT),
        ("restore_record", "record", "rrset", HERE, THERE),
        ("restore_keys", "keys", "keyset", {"document": "[]"}, {"document": "broken"}),
    ],
)
def test_it_goes_back_whole_where_it_differs(action: str, kind: str, aspect: str, good: State, now: State) -> None:
    entry = CATALOGUE[action]
    facts = resource(kind, "it", side("a", aspect, now, good), side("b", aspect, good, good))
    found = entry.resolve([facts], TERMS, Wish(), NOW)
    assert [(change.location, change.before, change.after) for change in found.changes] == [("a", now, good)]
    assert codes(found.findings, Severity.BLOCKER) == []
    assert "guard.snapshot-age" in codes(found.findings, Severity.PASSED)

    well = entry.resolve([resource(kind, "it", side("a", aspect, good, good))], TERMS, Wish(), NOW)
    assert (well.changes, codes(well.findings, Severity.BLOCKER)) == ((), ["guard.nothing-to-do"])
    assert codes(well.findings, Severity.WARNING) == []


def test_what_was_never_proven_and_what_does_not_answer_is_not_guessed() -> None:
    entry = CATALOGUE["roll_back_policy"]
    unknown = entry.resolve([resource("policy", "it", side("a", "document", SHUT))], TERMS, Wish(), NOW)
    assert (unknown.changes, codes(unknown.findings, Severity.BLOCKER)) == ((), ["guard.no-snapshot"])
    silent = entry.resolve([resource("policy", "it", side("a", "document", None, OPEN))], TERMS, Wish(), NOW)
    assert (silent.changes, silent.left_out) == ((), ("a",))
    assert codes(silent.findings, Severity.BLOCKER) == ["guard.unreachable-location"]


def test_a_policy_that_a_controller_would_put_back_is_not_changed_under_it() -> None:
    managed: State = {**SHUT, "status": {"managed_by": "Argo CD"}}
    found = CATALOGUE["roll_back_policy"].resolve(
        [resource("policy", "it", side("a", "document", managed, OPEN))], TERMS, Wish(), NOW
    )
    assert (found.changes, codes(found.findings, Severity.BLOCKER)) == ((), ["guard.gitops"])


@pytest.mark.parametrize(
    ("good", "now", "code"),
    [
        ({"type": "A", "ttl": 60, "records": []}, THERE, "guard.record-empty"),
        (HERE, {"type": "AAAA", "ttl": 60, "records": ["2001:db8::1"]}, "guard.record-type"),
    ],
)
def test_a_record_is_never_left_empty_nor_made_another_kind(good: State, now: State, code: str) -> None:
    found = CATALOGUE["restore_record"].resolve(
        [resource("record", "www.example.com A", side("a", "rrset", now, good))], TERMS, Wish(), NOW
    )
    assert (found.changes, codes(found.findings, Severity.BLOCKER)) == ((), [code])


def test_it_says_for_how_long_the_old_answer_lives() -> None:
    found = CATALOGUE["restore_record"].resolve(
        [resource("record", "www.example.com A", side("a", "rrset", THERE, HERE))], TERMS, Wish(), NOW
    )
    [note] = [one for one in found.findings if one.code == "guard.old-answers"]
    assert (
        note.text == "Who has asked for www.example.com A already may go by the old answer for up to 60 minutes more."
    )


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (THERE, 3600),
        ({"type": "A", "members": [{"id": "eu", "ttl": 60}, {"id": "us", "ttl": 90}]}, 90),
        ({"type": "A", "members": "odd"}, 0),
    ],
)
def test_longest_life(state: State, seconds: int) -> None:
    assert longest_life(state) == seconds


def test_keys_that_were_changed_on_purpose_are_warned_of() -> None:
    found = CATALOGUE["restore_keys"].resolve(
        [resource("keys", "login", side("a", "keyset", {"document": "b"}, {"document": "a"}))], TERMS, Wish(), NOW
    )
    assert codes(found.findings, Severity.WARNING) == ["guard.key-change"]
