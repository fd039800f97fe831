"""Every event that the code can write has a sentence, a group and an outcome; none is left of one that is gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from console.audit_words import EVENT_GROUPS, OUTCOMES, facts, happened, who
from incidents.domain.canonical import JsonObject
from incidents.domain.happenings import EVENTS, Outcome, outcome_of, sentence_of
from incidents.domain.runs import Outcome as RunOutcome
from incidents.inventory.diff import KINDS
from incidents.selectors.audit import GROUPS, Line

ROOT = Path(__file__).resolve().parents[2]
# Events whose names are put together, with everything that can stand in their gaps. `target.{}` is what a look settles.
MADE: dict[str, tuple[tuple[str, ...], ...]] = {
    "run.{}": (tuple(RunOutcome),),
    "target.{}": (("in_place", "failed", "skipped"),),
    "inventory.{}.{}": (KINDS, ("added", "changed", "removed")),
    "inventory.preapproval.{}": (("covered", "uncovered"),),
    "inventory.role.{}": (("settled", "set-aside"),),
}


def sources() -> list[ast.Module]:
    rooms = ("incidents/services", "incidents/engine", "console")
    return [ast.parse(path.read_text()) for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def events_in(scope: ast.AST, takers: Mapping[str, int]) -> Iterator[ast.expr]:
    """What is given as an event to a function that takes one; `takers` has the place of it among the arguments."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = takers.get(name)
            if place is not None and place < len(node.args):
                yield node.args[place]


def takers_in(tree: ast.Module, known: Mapping[str, int]) -> dict[str, int]:
    """Functions of a module that hand an event on to an entry, by one that is known or by one another."""
    found = dict(known)
    for _ in range(3):
        for scope in functions(tree):
            names = [argument.arg for argument in scope.args.args]
            handed = any(isinstance(node, ast.Name) and node.id == "event" for node in events_in(scope, found))
            if "event" in names and handed:
                found[scope.name] = names.index("event")
    return found


def written() -> set[str]:
    trees, known = sources(), {"Entry": 0}
    for tree in trees:
        known |= {name: place for name, place in takers_in(tree, known).items() if not name.startswith("_")}
    found: set[str] = set()
    for tree in trees:
        takers = takers_in(tree, known)
        for scope in functions(tree):
            for given in events_in(scope, takers):
                found |= set(_texts(given, scope))
    return {event for event in found if re.fullmatch(r"[a-z-]+(\.[a-z_-]+)+", event)}


def _texts(node: ast.expr, scope: ast.FunctionDef) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, scope)
        yield from _texts(node.orelse, scope)
    elif isinstance(node, ast.JoinedStr):
        yield from _put_together(node, scope)
    elif isinstance(node, ast.Name):
        for other in ast.walk(scope):
            if isinstance(other, ast.Assign) and any(getattr(one, "id", "") == node.id for one in other.targets):
                yield from _texts(other.value, scope)


def _put_together(node: ast.JoinedStr, scope: ast.FunctionDef) -> Iterator[str]:
    form = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    assert form in MADE, f"{scope.name} writes {form}: say in MADE what can stand there"
    for words in product(*MADE[form]):
        yield form.format(*words)


def test_every_event_that_can_be_written_has_a_sentence() -> None:
    found = written()
    assert len(found) > 90
    assert found - EVENTS.keys() == set()


def test_no_sentence_is_left_of_an_event_that_is_gone() -> None:
    assert EVENTS.keys() - written() == set()


def test_every_group_and_outcome_has_words() -> None:
    assert EVENT_GROUPS.keys() == GROUPS
    assert OUTCOMES.keys() == set(Outcome)


@pytest.mark.parametrize("event", EVENTS)
def test_a_sentence_needs_no_fact_and_bears_any(event: str) -> None:
    cases: list[JsonObject] = [
        {},
        {"name": 1, "names": [], "fields": {"a": ["b"]}, "reason": None, "because": "x." * 900},
    ]
    for data in cases:
        told = sentence_of(event, "somebody", "", data)
        assert told.endswith((".", "…", ":", "(not said)")) or told.startswith("somebody")
        assert "{" not in told
        assert len(told) <= 301


def line(event: str, kind: str = "person", **data: object) -> Line:
    actor = {"kind": kind, "id": "1", "name": "engine" if kind == "system" else "robin"}
    return Line(0, datetime.now(UTC), event, actor, {}, "example-shop", "", data, Outcome.DONE, b"", "")  # type: ignore[arg-type]


def test_sentences_read_well() -> None:
    names = ["203.0.113.0/24", "b", "c", "d", "e"]
    told = line("target.failed", "system", resources=names, location="edge-a", because="backend.refused")
    assert happened(told) == (
        "The change of 203.0.113.0/24, b, c and 2 more at edge-a could not be made: "
        "Its control system refused the change."
    )
    assert happened(line("inventory.person.added", name="newcomer")) == "The inventory added person: newcomer."
    assert happened(line("run.accepted", reference="R-1", action="restore_to", reason="down.")) == (
        "robin started run R-1 (restore_to): down."
    )
    assert who({"kind": "command", "name": "root"}) == "root (by a command on the host)"
    assert happened(line("run.accepted", reference="{who}", action="", reason="{0}")).startswith(
        "robin started run {who}"
    )


def test_outcomes_follow_the_facts() -> None:
    assert outcome_of("verdict.recorded", {"verdict": "pass"}) == "done"
    assert outcome_of("verdict.recorded", {"verdict": "fail"}) == "failed"
    assert outcome_of("target.answered", {"reply": "unanswered"}) == "unknown"
    assert outcome_of("run.refused", {}) == "refused"
    assert outcome_of("later.invented", {}) == "done"


def test_facts_become_a_table() -> None:
    assert facts({"a_b": {"c": [1, 2]}, "checks": [{"code": "guard.drift"}], "no": [], "so": True}) == [
        ("a b, c", "1, 2"),
        ("checks 1, code", "Somebody else has changed it since the preview was made. (guard.drift)"),
        ("no", "none"),
        ("so", "yes"),
    ]
