"""What must hold over a whole file: its form, its prefixes, its removals; all faults are told at once."""

from __future__ import annotations

import pytest

from incidents.inventory.reading import read
from incidents.inventory.rules import Rules
from tests.inventory.conftest import EXAMPLE, Reader, replaced, the_fault

R = "organizations[0].resources"

PREFIXES = [
    ("203.0.113.7/24", "203.0.113.0/24 was probably meant"),
    ("203.0.113.0", "no prefix"),
    ("203.0.113.0/33", "no prefix"),
    ("203.0.113.128/25", "longer than /24"),
    ("0.0.0.0/0", "shorter than /8"),
    ("2001:db8:1::/49", "longer than /48"),
    ("2000::/18", "shorter than /19"),
    ("2001:DB8:1::/48", "write 2001:db8:1::/48"),
    ("203.0.113.0/255.255.255.0", "write 203.0.113.0/24"),
    ("every prefix", "no prefix"),
]


@pytest.mark.parametrize(("name", "part"), PREFIXES)
def test_it_refuses_what_is_no_exact_prefix(name: str, part: str, rules: Rules) -> None:
    fault = the_fault(replaced("name: 203.0.113.0/24", f"name: '{name}'"), rules)
    assert fault.path == f"{R}[0].name"
    assert part in fault.message


def test_it_refuses_one_prefix_of_two_organizations(rules: Rules) -> None:
    text = replaced("name: 198.51.100.0/24", "name: 203.0.113.0/24")
    fault = the_fault(text, rules)
    assert fault.path == "organizations[1].resources[0].name"
    assert "already belongs to organization shop, on line 20" in fault.message


def test_it_refuses_a_prefix_within_one_of_another_organization(rules: Rules) -> None:
    text = EXAMPLE.replace("198.51.100.0/24", "2001:db8:5::/48")
    fault = the_fault(text, rules)
    assert fault.path == "organizations[1].resources[0].name"
    assert "lies within 2001:db8::/32 of organization shop" in fault.message


def test_a_prefix_within_one_of_the_same_organization_is_right(inventory: Reader) -> None:
    inventory(EXAMPLE.replace("203.0.113.0/24", "2001:db8:5::/48"))


def test_it_refuses_a_location_where_nothing_could_be_proven(rules: Rules) -> None:
    fault = the_fault(replaced("          - {probe: collector, location: edge-b}\n", ""), rules)
    assert "203.0.113.0/24 is not watched by collector at edge-b" in fault.message
    assert fault.line == EXAMPLE.splitlines().index("    resources: every prefix")


def test_it_refuses_a_watch_where_the_probe_sees_nothing(rules: Rules) -> None:
    fault = the_fault(replaced("settings: {}", "settings: {locations: {edge-a: a}}"), rules)
    assert (fault.path, fault.line) == (f"{R}[0].watch[1].location", 29)
    assert "collector sees nothing there" in fault.message


@pytest.mark.parametrize("address", ["example.org:443", "192.0.2.1", "192.0.2.1:0", "192.0.2.300:80", "[192.0.2.1]:80"])
def test_it_refuses_an_address_that_would_have_to_be_looked_up(address: str, rules: Rules) -> None:
    assert "must be numeric" in the_fault(replaced("127.0.0.1:8443", address), rules).message


def test_an_address_may_be_of_ipv6(inventory: Reader) -> None:
    inventory(replaced("127.0.0.1:8443", "[2001:db8::1]:443"))


def test_it_refuses_an_organization_without_resources(rules: Rules) -> None:
    start, end = EXAMPLE.index("    resources:\n", EXAMPLE.index("Example Bank")), EXAMPLE.index("people:")
    fault = the_fault(EXAMPLE[:start] + "    resources: []\n" + EXAMPLE[end:], rules)
    assert fault.path == "organizations[1].resources"
    assert "nothing never means everything" in fault.message


REMOVALS = [
    ("account shop", "no kind of thing"),
    ("persn alice", "did you mean person?"),
    ("person", "must be `person NAME`"),
    ("person alice bob", "must be `person NAME`"),
    ("binding 203.0.113.0/24", "must be `binding RESOURCE LOCATION ASPECT`"),
    ("watch 203.0.113.0/24 edge-a", "must be `watch RESOURCE LOCATION PROBE`"),
    ("role alice shop", "must be `role PERSON ORGANIZATION DATE`"),
    ("role alice shop yesterday", "must end with a day such as 2026-11-25"),
    ("role alice shop 2026-02-30", "must end with a day such as 2026-11-25"),
    ("person alice", "still stands in the file"),
    ("resource 203.0.113.0/24", "still stands in the file"),
    ("watch 203.0.113.0/24 edge-a tcp", "still stands in the file"),
]


@pytest.mark.parametrize(("named", "part"), REMOVALS)
def test_it_refuses_a_removal_that_is_unclear(named: str, part: str, rules: Rules) -> None:
    fault = the_fault(EXAMPLE + f"remove:\n  - person zoe\n  - {named}\n", rules)
    assert (fault.path, fault.line) == ("remove[1]", len(EXAMPLE.splitlines()) + 3)
    assert part in fault.message


MALFORMED = [
    ("", 1, "is empty"),
    ("# nothing\n", 1, "is empty"),
    ("version: 1\nlocations: [\n", 3, "is no YAML"),
    ("version: 1\n\tlocations: []\n", 2, "is no YAML"),
    ("version: 1\ntitle: a\x00b\n", 2, "control character"),
    ("version: 1\n---\nversion: 1\n", 2, "second document"),
    ("version: 1\nlocations: " + "[" * 40 + "]" * 40, 2, "nested more than 30 deep"),
    ("a: &x [1]\nb: *x\n", 2, "the alias *x is not allowed"),
    ("a: &x\n  b: *x\n", 2, "the alias *x is not allowed"),
]


@pytest.mark.parametrize(("text", "line", "part"), MALFORMED)
def test_it_refuses_what_is_no_plain_document(text: str, line: int, part: str, rules: Rules) -> None:
    fault = the_fault(text, rules)
    assert (fault.path, fault.line, part in fault.message) == ("", line, True), str(fault)


def test_a_document_that_is_no_mapping_is_one_fault(rules: Rules) -> None:
    assert "must be a mapping" in the_fault("- version\n", rules).message


def test_it_names_all_faults_at_once_in_the_order_of_lines(rules: Rules) -> None:
    text = EXAMPLE
    for old, new in (
        ("zone: eu-west", "zona: eu-west"),
        ("env:TOKEN", "env:NOTHING"),
        ("name: 203.0.113.0/24", "name: 203.0.113.9/24"),
        ("probe: tcp, location: edge-a", "probe: tcp, location: edge-x"),
        ("password: env:ALICE", "password: hunter2"),
        ("tier: 1", "tier: 4"),
        ("resources: every prefix", "resources: []"),
    ):
        text = replaced(old, new, text)
    found = read(text, rules)
    assert isinstance(found, list)
    lines = text.splitlines()
    told = [(fault.path, lines[fault.line - 1].strip()) for fault in found]
    assert told == [
        ("locations[0].zona", "- {name: edge-a, title: Amsterdam, zona: eu-west}"),
        ("backends[2].settings.token", lines[10].strip()),
        (f"{R}[0].name", "name: 203.0.113.9/24"),
        (f"{R}[0].watch[2].location", '- {probe: tcp, location: edge-x, address: "127.0.0.1:8443"}'),
        ("people[0].password", "password: hunter2"),
        ("preapprovals[0].resources", "resources: []"),
        ("preapprovals[0].tier", "tier: 4"),
    ]
    assert "hunter2" not in "".join(fault.message for fault in found)
