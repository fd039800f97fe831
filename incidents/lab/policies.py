"""The policy of the shop: who may come in, and the gate that goes by it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from incidents.lab.demo import GATE, PLACES, Place
from incidents.lab.web import Answer

VISITORS = "customers"
RULES = (
    {"who": VISITORS, "from": "anywhere", "may": ["read", "buy"]},
    {"who": "partners", "from": "198.18.10.0/24", "may": ["read", "order"]},
    {"who": "warehouse", "from": "198.18.11.0/24", "may": ["read", "ship"]},
)
MESSAGE = "Let in customers, partners and the warehouse"
BROKEN_MESSAGE = "Clear the list of who may come in"


def texts(rules: Sequence[object] = RULES) -> dict[str, str]:
    """{path: policy with these rules} at every location."""
    return {GATE.key(place): _text(place, rules) for place in PLACES}


def page(policy: str | bytes | None) -> Answer:
    """What a customer is answered at the gate; without a policy that can be read, nobody comes in.

    Args:
        policy: the document; None where there is none.
    """
    try:
        rules = json.loads(policy or "")["allow"]
        let_in = any(rule["who"] == VISITORS for rule in rules)
    except (ValueError, KeyError, TypeError):
        return Answer(403, "the policy cannot be read, so nobody comes in\n")
    if not let_in:
        return Answer(403, f"the policy does not let in {VISITORS}\n")
    return Answer(200, f"<!doctype html>\n<title>Shop</title>\n<p>{VISITORS} are welcome</p>\n")


def _text(place: Place, rules: Sequence[object]) -> str:
    """A rule a line, so that a difference can be read."""
    listed = ",".join(f"\n    {json.dumps(rule)}" for rule in rules)
    allow = f"[{listed}\n  ]" if rules else "[]"
    return f'{{\n  "location": "{place.title}",\n  "otherwise": "deny",\n  "allow": {allow}\n}}\n'
