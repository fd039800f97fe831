"""Reading an inventory file: what is right is understood, what is wrong is named, all of it, with line and path."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.domain.errors import InventoryFault
from incidents.domain.terms import Window
from incidents.inventory.document import BindingEntry, Inventory, Removal, WatchEntry
from incidents.inventory.reading import read
from incidents.inventory.references import resolve
from incidents.inventory.rules import Rules
from tests.inventory.conftest import EXAMPLE, Reader, large, replaced


def faults_in(text: str, rules: Rules) -> list[tuple[str, str]]:
    """Path and message of every fault; each must stand on the line on which a reader would look for it."""
    found = read(text, rules)
    assert isinstance(found, list), "no fault was found"
    return [(fault.path, fault.message) for fault in found]


def test_it_understands_the_example(inventory: Reader) -> None:
    found = inventory(EXAMPLE)
    shop = found.organizations[0]
    assert found.digest == hashlib.sha256(EXAMPLE.encode()).hexdigest()
    assert [(entry.name, entry.zone) for entry in found.locations] == [("edge-a", "eu-west"), ("edge-b", "")]
    assert [(entry.budget_ms, entry.slots) for entry in found.backends] == [(2500, 4), (3000, 2), (3000, 4)]
    assert found.backends[2].settings["token"] == "env:TOKEN"
    assert shop.resources[0].bindings[0] == BindingEntry("edge-a", "router-edge-a", "route", "203.0.113.0/24")
    assert shop.resources[0].watch[2] == WatchEntry("tcp", "edge-a", "127.0.0.1:8443")
    assert shop.resources[1].settings == {"origins": [64496, 64497]}
    assert found.people[0].password == "env:ALICE"


def test_every_prefix_is_written_out_for_this_organization(inventory: Reader) -> None:
    assert inventory(EXAMPLE).preapprovals[0].resources == ("203.0.113.0/24", "2001:db8::/32")


def test_terms_left_out_have_the_documented_values(inventory: Reader) -> None:
    terms = inventory(EXAMPLE).preapprovals[0].terms
    assert terms.stages == ("1", "25%", "100%")
    assert (terms.tolerate, terms.expire, terms.flap) == (0, timedelta(minutes=15), timedelta(minutes=15))
    assert terms.usual == (timedelta(seconds=1), timedelta(seconds=30))
    assert (terms.organization_window, terms.platform_window) == (Window(2000, 60), Window(20_000, 60))
    assert (terms.location_window, terms.zone_window, terms.cool_down) == (None, None, timedelta())
    assert terms.overridable == ()
    assert (terms.probes, terms.proof.in_a_row, terms.proof.within) == (("collector",), 2, timedelta(seconds=60))


LIMITS = """\
tier: 1
    windows: {location: {most: 5, minutes: 10}, zone: {most: 7, minutes: 20}}
    cool_down_minutes: 30
    overridable: [guard.flap, guard.cool-down]"""


def test_how_much_at_once_is_understood(inventory: Reader) -> None:
    found = inventory(replaced("tier: 1", LIMITS, replaced("title: Berlin", "title: Berlin, staging: true")))
    terms = found.preapprovals[0].terms
    assert [entry.staging for entry in found.locations] == [False, True]
    assert (terms.location_window, terms.zone_window) == (Window(5, 10), Window(7, 20))
    assert (terms.organization_window, terms.cool_down) == (Window(2000, 60), timedelta(minutes=30))
    assert terms.overridable == ("guard.flap", "guard.cool-down")


def test_removals_are_a_kind_and_a_name(inventory: Reader) -> None:
    found = inventory(EXAMPLE + "remove: [person carol, binding 192.0.2.0/24 edge-a route]\n")
    assert found.remove == (Removal("person", "carol"), Removal("binding", "192.0.2.0/24 edge-a route"))


def test_one_missing_section_does_not_bring_on_more_faults_about_it(rules: Rules) -> None:
    assert faults_in("version: 1\n", rules) == [
        (section, "is missing")
        for section in ("locations", "backends", "probes", "organizations", "people", "preapprovals")
    ]


def test_every_missing_secret_is_named(rules: Rules) -> None:
    text = replaced('token: "env:TOKEN"', 'token: "env:ONE", more: {deep: ["file:two"]}')
    assert [path for path, _ in faults_in(text, rules)] == [
        "backends[2].settings.token",
        "backends[2].settings.more.deep[0]",
    ]


def test_a_secret_is_the_text_of_its_file_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\r\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert resolve("file:password", tmp_path) == "open sesame"
    assert resolve(f"file:{tmp_path}/password", Path("/")) == "open sesame"
    for name, part in (("empty", "is empty"), ("binary", "not text"), ("", "must be a reference")):
        with pytest.raises(InventoryFault, match=part):
            resolve(f"file:{name}", tmp_path)


def test_1100_prefixes_are_read(rules: Rules) -> None:
    found = read(large(1100), rules)
    assert isinstance(found, Inventory)
    assert len(found.preapprovals[0].resources) == 1100


def test_every_resource_is_written_out_whatever_its_kind(inventory: Reader) -> None:
    found = inventory(replaced("resources: every prefix", "resources: every resource"))
    [organization] = [one for one in found.organizations if one.name == found.preapprovals[0].organization]
    assert found.preapprovals[0].resources == tuple(resource.name for resource in organization.resources)
