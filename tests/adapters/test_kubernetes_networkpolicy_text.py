"""What people read of a NetworkPolicy: a few words, and lines that can be compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from incidents.adapters.kubernetes_networkpolicy_states import state_of
from incidents.adapters.kubernetes_networkpolicy_text import CUT, LARGEST_TEXT, label_of, text_of
from incidents.domain.changes import label_of as told_label
from incidents.domain.changes import status_of
from tests.adapters.kubernetes_support import OPEN, SHUT
from tests.fakes.kubernetes_recorded import Object

RULE: Object = {"from": [{"podSelector": {}}]}
BOTH = ["Ingress", "Egress"]


def test_the_lines_of_a_policy() -> None:
    told = state_of({"metadata": {}, "spec": OPEN})
    assert told_label(told) == "1 rule in"
    assert status_of(told)["text"] == text_of(OPEN)
    assert text_of(OPEN).splitlines() == [
        "ingress:",
        "- from:",
        "  - namespaceSelector:",
        "      matchLabels:",
        "        kubernetes.io/metadata.name: edge",
        "  ports:",
        "  - port: 8080",
        "    protocol: TCP",
        "podSelector:",
        "  matchLabels:",
        "    app: checkout",
        "policyTypes:",
        "- Ingress",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        SHUT,
        OPEN,
        {"podSelector": {}, "ingress": [{}], "egress": [], "policyTypes": BOTH},
        {"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "1.42", "true", ""]}]}},
        {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]},
        {
            "podSelector": {},
            "egress": [{"to": [{"ipBlock": {"cidr": "2001:db8::/32"}}, {"ipBlock": {"cidr": "::/0"}}]}],
        },
        {"podSelector": {"matchLabels": {"on": "off", "No": "Yes", "1": "0x1F", "a": "1e5", "b": "~", "c": "null"}}},
        {"podSelector": {}, "ingress": [{"ports": [{"port": "http", "endPort": 9}, {"port": "8080"}, {"port": 8080}]}]},
        {
            "podSelector": {
                "matchLabels": {"a": "b: c", "d": "e #f", "g": "- h", "i": "'", "j": '"', "k": "\\n", "l": " "}
            }
        },
        {"podSelector": {}, "later": [[1, [2, []]], [{}], None, False, {"a": [{"b": [{"c": {"d": [0]}}]}]}]},
    ],
)
def test_the_lines_are_yaml_of_the_same_spec(spec: Any) -> None:
    assert yaml.safe_load(text_of(spec)) == spec
    turned = json.loads(json.dumps(spec), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert text_of(turned) == text_of(spec)


@pytest.mark.parametrize("sign", ["\n", "\r", "\x00", "\x1b[2J", "\u2028", "\u202e", "\x85", "\t"])
def test_no_sign_in_a_value_makes_a_line_of_its_own(sign: str) -> None:
    forged = f"a{sign}policyTypes:"
    spec = {"podSelector": {"matchLabels": {"app": forged, forged: "b"}}}
    text = text_of(spec)
    assert len(text.splitlines()) == 4
    assert text.replace("\n", "").isprintable()
    assert yaml.safe_load(text) == spec


def test_a_text_that_is_too_long_is_cut_between_lines_and_says_so() -> None:
    block = {"ipBlock": {"cidr": "10.0.0.0/8"}}
    text = text_of({"podSelector": {}, "ingress": [{"from": [block] * 5000}]})
    assert LARGEST_TEXT - 100 < len(text.encode()) <= LARGEST_TEXT
    assert text.splitlines()[-2:] == ["      cidr: 10.0.0.0/8", CUT]
    assert (
        text_of({"podSelector": {"matchLabels": {"a": "ä" * LARGEST_TEXT}}}) == f"podSelector:\n  matchLabels:\n{CUT}"
    )


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_no_text_is_longer_than_it_may_be(spare: int) -> None:
    text = text_of({"a": "b" * (LARGEST_TEXT - len(CUT) - len("a: \n") + spare)})
    assert len(text.encode()) <= LARGEST_TEXT
    assert (text == CUT) is (spare > 0)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (SHUT, "nothing in"),
        (OPEN, "1 rule in"),
        (
            {"ingress": [RULE] * 12, "egress": [{"to": RULE["from"]}] * 3, "policyTypes": BOTH},
            "12 rules in, 3 rules out",
        ),
        ({"ingress": [], "policyTypes": BOTH}, "nothing in, nothing out"),
        ({"policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]}, "1 rule out"),
        # What stands in a list of rules whose type is not named has no effect.
        ({"ingress": [RULE], "egress": [{}], "policyTypes": ["Ingress"]}, "1 rule in"),
        ({"ingress": [{}], "policyTypes": ["Ingress"]}, "everything in"),
        ({"ingress": [RULE, {"from": [], "ports": []}], "policyTypes": ["Ingress"]}, "everything in"),
        ({"egress": [{"from": [{}]}], "policyTypes": ["Egress"]}, "everything out"),
        ({"ingress": [RULE]}, "no rules"),
        ({"ingress": [RULE], "policyTypes": "Ingress"}, "no rules"),
        ({"ingress": "all", "policyTypes": ["Ingress"]}, "nothing in"),
    ],
)
def test_how_much_it_lets_through_in_a_few_words(spec: Any, label: str) -> None:
    assert label_of(spec) == label
