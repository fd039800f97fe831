"""One fault in an inventory file: named with its path, and on the line where a reader looks for it."""

from __future__ import annotations

import pytest

from incidents.inventory.rules import Rules
from tests.inventory.conftest import EXAMPLE, replaced, the_fault

R = "organizations[0].resources"

# (what stands in the example, what stands there instead, path of the one fault, a part of its message)
DAY = "2026-11-20T08:00:00Z"
ONE_FAULT = [
    ("version: 1", "version: 2", "version", "must be 1"),
    ("version: 1\n", "", "version", "is missing"),
    ("people:", "peeple: []\npeople:", "peeple", "did you mean people?"),
    ("title: Amsterdam", "titel: Amsterdam", "locations[0].titel", "did you mean title?"),
    ("zone: eu-west", "zona: eu-west", "locations[0].zona", "did you mean zone?"),
    ("title: Berlin", "town: Berlin, title: B", "locations[1].town", "there are name, title, zone"),
    ("name: edge-b, title: Berlin", "name: edge-b", "locations[1].title", "is missing"),
    ("title: Berlin", "title: 12", "locations[1].title", "quotes"),
    ("title: Berlin", "title: [x]", "locations[1].title", "must be text"),
    ("title: Berlin", 'title: " "', "locations[1].title", "must not be empty"),
    ("title: Berlin", "title: Berlin, title: Bern", "locations[1].title", "stands twice"),
    ("title: Berlin", f"title: {'x' * 101}", "locations[1].title", "longer than 100"),
    ("title: Berlin", 'title: "a\\u202eb"', "locations[1].title", "control characters"),
    ("title: Berlin}", "title: B}\n  - edge", "locations[2]", "must be a mapping"),
    ("title: Berlin}", "title: B}\n  - {name: Edge C, title: C}", "locations[2].name", "perhaps edge-c"),
    ("title: Berlin}", "title: B}\n  - {name: edge-a, title: C}", "locations[2].name", "already on line 3"),
    ("budget_seconds: 2.5", "budget_seconds: 61", "backends[0].budget_seconds", "from 0.05 to 10"),
    ("budget_seconds: 2.5", "budget_seconds: 1:30", "backends[0].budget_seconds", "from 0.05 to 10"),
    ("slots: 2", "slots: 0", "backends[1].slots", "from 1 to 64"),
    ("slots: 2", "slots: yes", "backends[1].slots", "whole number"),
    ("slots: 2", "slots: 010", "backends[1].slots", "whole number"),
    ("slots: 2, ", "slots: 2, name: x, ", "backends[1].name", "stands twice"),
    ("kind: fake\n", "kind: gobpg\n", "backends[0].kind", "no kind that this console knows"),
    ("kind: tcp", "kind: tpc", "probes[1].kind", "did you mean tcp?"),
    ('{address: "127.0.0.1:50051"}', "{}", "backends[0].settings.address", "is missing"),
    ("kind: route, settings: {}", "kind: route, settings: {collector: wrong}", "probes[0].settings.collector", "bird"),
    ("settings: {}", "settings: {locations: {edge-a: a, edge-b: b, c: c}}", "probes[0].settings.locations.c", "no loc"),
    ("settings: {}", "settings: {a: {b: 1.5}}", "probes[0].settings.a.b", "whole number"),
    ("settings: {}", "settings: {a: [1, {b: 2, b: 3}]}", "probes[0].settings.a[1].b", "stands twice"),
    ("settings: {}", "settings: {1: 2}", "probes[0].settings", "key that is no text"),
    ("settings: {}", "settings: []", "probes[0].settings", "must be a mapping"),
    ("env:TOKEN", "env:NOTHING", "backends[2].settings.token", "NOTHING is not set"),
    ("kind: prefix\n        name: 203", "kind: zzz\n        name: 203", f"{R}[0].kind", "there are prefix, service,"),
    ("aspect: service", "aspect: weight", f"{R}[0].bindings[2].aspect", "there are route, service"),
    ("tier: 1", "tier: 1\n    steps: [50, 10]", "preapprovals[0].steps", "percents that grow"),
    ("tier: 1", "tier: 1\n    steps: [10, 50]", "preapprovals[0].steps", "end with 100"),
    ("tier: 1", "tier: 1\n    minimum_percent: 0", "preapprovals[0].minimum_percent", "from 1 to 100"),
    ("tier: 1", "tier: 1\n    rpki: tcp", "preapprovals[0].rpki", "no probe of kind rpki"),
    ("tier: 1", "tier: 1\n    rpki: nobody", "preapprovals[0].rpki", "there is no probe nobody"),
    ("origins: [64496]", "origins: []", f"{R}[0].settings.origins", "is empty"),
    ("64497", "4294967295", f"{R}[1].settings.origins[1]", "whole number"),
    ("edge-b, backend: router", "edge-x, backend: router", f"{R}[0].bindings[1].location", "did you mean"),
    ("edge-b, backend: router-edge-b", "edge-b, backend: router-x", f"{R}[0].bindings[1].backend", "no backend"),
    ("backend: router-edge-b, aspect: route", "backend: router-edge-b, aspect: rout", f"{R}[0].bindings[1].aspect",
     "did you mean route?"),
    ("key: edge-a/203.0.113.0/24", "key: bad", f"{R}[0].bindings[2].key", "no key"),
    ("edge-a/203.0.113.0/24}", "e/x}\n          - {location: edge-b, backend: registry, aspect: service, key: E/X}",
     f"{R}[0].bindings[3].key", "key e/x of backend registry stands twice"),
    ("edge-a/203.0.113.0/24}", "e}\n          - {location: edge-a, backend: registry, aspect: service, key: f}",
     f"{R}[0].bindings[3]", "the service at edge-a stands twice"),
    ("router-edge-b, aspect: route, key: 203.0.113.0/24", "router-edge-b, aspect: route, key: 192.0.2.0/24",
     f"{R}[0].bindings[1].key", "another prefix than 203.0.113.0/24"),
    ("tcp, location: edge-a", "tpc, location: edge-a", f"{R}[0].watch[2].probe", "did you mean tcp?"),
    ("tcp, location: edge-a", "tcp, location: edge-c", f"{R}[0].watch[2].location", "no location edge-c"),
    (', address: "127.0.0.1:8443"', "", f"{R}[0].watch[2].address", "needs host:port"),
    ('edge-a, address: "127.0.0.1:8443"', "edge-a, address: '8443'", f"{R}[0].watch[2].address", "must be numeric"),
    ("probe: collector, location: edge-b", 'probe: collector, location: edge-b, address: "a:1"',
     f"{R}[0].watch[1].address", "no meaning"),
    ("tcp, location: edge-a, address: \"127.0.0.1:8443\"", "collector, location: edge-a", f"{R}[0].watch[2]",
     "stands twice"),
    ("password: env:ALICE", "password: hunter2", "people[0].password", "never the secret itself"),
    ("password: env:ALICE", "password: 12345", "people[0].password", "must be text"),
    ("env:BOB", "env:NOBODY", "people[1].password", "NOBODY is not set"),
    ("env:BOB", "file:not/there", "people[1].password", "cannot be read"),
    ("    password: env:ALICE", "    company_id: 12\n    password: env:ALICE", "people[0].company_id", "quotes"),
    ("[shop/viewers]", "[shop/admins]", "people[1].groups[0]", "no group shop/admins"),
    ("[shop/viewers]", "[shop/viewers, shop/viewers]", "people[1].groups[1]", "stands twice"),
    ("action: readvertise_prefix", "action: readvertise", "preapprovals[0].action", "did you mean readvertise_prefix?"),
    ("organization: shop", "organization: shopp", "preapprovals[0].organization", "did you mean shop?"),
    ("resources: every prefix", "resources: []", "preapprovals[0].resources", "nothing never means everything"),
    ("resources: every prefix", "resources: all", "preapprovals[0].resources", "nothing never means everything"),
    ("resources: every prefix", "resources:", "preapprovals[0].resources", "nothing never means everything"),
    ("    resources: every prefix\n", "", "preapprovals[0].resources", "is missing"),
    ("resources: every prefix", "resources: [192.0.2.0/24]", "preapprovals[0].resources[0]", "no resource 192.0"),
    ("resources: every prefix", "resources: ['*']", "preapprovals[0].resources[0]", "no resource *"),
    ("resources: every prefix", "resources: [198.51.100.0/24]", "preapprovals[0].resources[0]", "belongs to"),
    ("groups: [shop/operators]\n    tier", "groups: []\n    tier", "preapprovals[0].groups", "nobody could use it"),
    ("groups: [shop/operators]\n    tier", "groups: [bank/operators]\n    tier", "preapprovals[0].groups[0]",
     "may not act for shop"),
    ("groups: [shop/operators]\n    tier", "groups: [shop/viewers]\n    tier", "preapprovals[0].groups[0]",
     "only shop/owners and shop/operators may"),

    ("tier: 1", "tier: 0", "preapprovals[0].tier", "from 1 to 3"),
    ("tier: 1", "tier: 4", "preapprovals[0].tier", "from 1 to 3"),
    ("tier: 1", "tier: 1\n    second_person_above: -1", "preapprovals[0].second_person_above", "from 0 to"),
    ("tier: 1", "tier: 3\n    break_glass: perhaps", "preapprovals[0].break_glass", "true or false"),
    ("tier: 1", "tier: 1\n    only_when: {incident: 1}", "preapprovals[0].only_when.incident", "true or false"),
    ("tier: 1", "tier: 1\n    only_when: {on_call: shop}", "preapprovals[0].only_when.on_call", "no rota shop"),
    ("tier: 1", "tier: 1\n    approvers: []", "preapprovals[0].approvers", "nobody could be the second person"),
    ("tier: 1", "tier: 1\n    approvers: [shop/viewers]", "preapprovals[0].approvers[0]", "may not agree to this"),
    ("tier: 1", "tier: 1\n    approvers: [bank/owners]", "preapprovals[0].approvers[0]", "may not agree to this"),
    ("tier: 1", "tier: 1\n    approvers: [reviewers]", "preapprovals[0].approvers[0]", "may not agree to this"),
    ("people:", "rotas:\n  - {name: r}\npeople:", "rotas[0].settings", "say either who is on call"),
    ("people:", 'rotas:\n  - {name: r, settings: {url: "https://x"}, shifts: []}\npeople:', "rotas[0].settings",
     "not both"),
    ("people:", "rotas:\n  - {name: r, settings: {url: 'ftp://x'}}\npeople:", "rotas[0].settings.url", "http"),
    ("people:", "rotas:\n  - {name: r, settings: {url: 'https://x', token: abc}}\npeople:", "rotas[0].settings.token",
     "never the secret itself"),
    ("people:", "rotas:\n  - {name: r, turns: {people: [alice], since: 2026-11-20, hours: 12}}\npeople:",
     "rotas[0].turns.since", "with its offset"),
    ("people:", "rotas:\n  - {name: r, turns: {people: [], since: '2026-11-20T08:00:00Z', hours: 12}}\npeople:",
     "rotas[0].turns.people", "nobody would ever be on call"),
    ("people:", "rotas:\n  - {name: r, turns: {people: [carol], since: '2026-11-20T08:00:00Z', hours: 12}}\npeople:",
     "rotas[0].turns.people[0]", "no person carol"),
    ("people:", f"rotas:\n  - name: r\n    shifts: [{{person: bob, since: '{DAY}', until: '{DAY}'}}]\npeople:",
     "rotas[0].shifts[0].until", "later than since"),
    ("[1, 25%, 100%]", "[]", "preapprovals[0].stages", "is empty"),
    ("[1, 25%, 100%]", "[0, 100%]", "preapprovals[0].stages[0]", "must be a number of locations"),
    ("[1, 25%, 100%]", "[1, 130%]", "preapprovals[0].stages[1]", "from 1% to 100%"),
    ("[1, 25%, 100%]", "[1, 50%, 25%]", "preapprovals[0].stages[2]", "25% after 50%"),
    ("[1, 25%, 100%]", "[3, 2]", "preapprovals[0].stages[1]", "must grow"),
    ("[1, 25%, 100%]", "[50%, 2]", "preapprovals[0].stages[1]", "numbers before shares"),
    ("most_resources: 200", "most_resources: 0", "preapprovals[0].most_resources", "from 1 to 100,000"),
    ("tier: 1", "tier: 1\n    tolerate: 2", "preapprovals[0].tolerate", "less than the number of locations, 2"),
    ("tier: 1", "tier: 1\n    usual_seconds: [9, 3]", "preapprovals[0].usual_seconds", "the shortest and the longest"),
    ("tier: 1", "tier: 1\n    usual_seconds: [1, 901]", "preapprovals[0].usual_seconds", "longer than expire_seconds"),
    ("tier: 1", "tier: 1\n    windows: {platform: {most: 5}}", "preapprovals[0].windows.platform.minutes", "missing"),
    ("probes: [collector], ", "probes: [], ", "preapprovals[0].proof.probes", "only proof from outside"),
    ("probes: [collector], ", "", "preapprovals[0].proof.probes", "is missing"),
    ("probes: [collector], ", "probes: [collectro, collector], ", "preapprovals[0].proof.probes[0]", "did you mean"),
    ("    proof: {probes: [collector], in_a_row: 2}\n", "", "preapprovals[0].proof", "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "part"), ONE_FAULT)
def test_it_names_a_fault(old: str, new: str, path: str, part: str, rules: Rules) -> None:
    fault = the_fault(replaced(old, new), rules)
    assert (fault.path, part in fault.message) == (path, True), str(fault)
    first = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
    # What is missing has no line of its own; it is told on the line of what it is missing from.
    assert fault.line in range(1 if "missing" in part else first, first + new.count("\n") + 1), str(fault)


def test_two_people_cannot_be_the_same_one_to_the_company(rules: Rules) -> None:
    text = replaced("- name: alice", "- name: alice\n    company_id: same")
    fault = the_fault(replaced("{name: bob,", "{name: bob, company_id: same,", text), rules)
    assert (fault.path, "stands twice" in fault.message) == ("people[1].company_id", True)
