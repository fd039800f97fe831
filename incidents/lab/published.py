"""Breaks and heals the documents of a lab, in its repository or in the world; visitors say when it shows.

`facts` is what lab.json holds, see docs/lab.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from incidents.lab import parts, policies, signing, talk
from incidents.lab.demo import KEYSETS, POLICIES
from incidents.lab.repository import Repository
from incidents.lab.waiting import wait
from incidents.lab.web import visit

Facts = dict[str, Any]


def break_policy(facts: Facts) -> None:
    """Takes everybody off the list of who may come in, at every location. Doing it twice is harmless."""
    _publish(facts, POLICIES, policies.texts(()), policies.BROKEN_MESSAGE)
    wait(lambda: set(gates(facts).values()) == {403}, "the gate")


def break_keys(facts: Facts) -> None:
    """Publishes another public key, at every location. Doing it twice is harmless."""
    _publish(facts, KEYSETS, signing.wrong_set(), signing.BROKEN_MESSAGE)
    wait(lambda: set(sign_ins(facts).values()) == {403}, "the sign-in")


def heal(facts: Facts) -> None:
    """Puts the right documents back, by one more commit each, whatever stands there."""
    key = signing.read_private(Path(facts["repository"]["key_file"]))
    _publish(facts, POLICIES, policies.texts(), "Let in customers, partners and the warehouse again")
    _publish(facts, KEYSETS, signing.right_set(key), "Publish the key of this year again")
    wait(lambda: {*gates(facts).values(), *sign_ins(facts).values()} == {200}, "the gate or the sign-in")


def gates(facts: Facts) -> dict[str, int]:
    """The status that a customer is answered at the gate of each location; 0 for no answer."""
    return {location: visit(address).status for location, address in facts["repository"]["gates"].items()}


def sign_ins(facts: Facts) -> dict[str, int]:
    """The same of the sign-in, for a customer with a token that was just signed."""
    return {location: visit(address).status for location, address in facts["repository"]["sign_ins"].items()}


def _publish(facts: Facts, backend: str, texts: Mapping[str, str], message: str) -> None:
    given = facts["repository"]
    if given["kind"] == "git":
        files = {path: text.encode() for path, text in texts.items()}
        Repository(Path(given["url"]), parts.installed("git")).write(files, message)
        return
    states = {path: {"document": text} for path, text in texts.items()}
    talk.ask(facts["world"]["address"], op="put", backend=backend, states=states)
