"""Weights in the rules of an HTTPRoute: pure, from the object as the API server shows it.

Fields as in the Gateway API v1 (`apis/v1/httproute_types.go`, `shared_types.go`): a weight is from 0 to 1,000,000, is 1
where it is left out, and 0 means no traffic; the sum is free. When a rule has nothing but zeros, all its requests
are answered by 500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.adapters.kube_read import condition, items, managed_by, number, part, text
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, State, settings_of

LARGEST_WEIGHT = 1_000_000
READY, MISSING = "ready", "missing"
LONGEST_MESSAGE = 160


@dataclass(frozen=True, slots=True)
class Key:
    """`NAMESPACE/ROUTE/RULE/BACKEND`: one backendRef, by the index of its rule from 0 and the name of its service."""

    namespace: str
    route: str
    rule: int
    backend: str

    @staticmethod
    def of(key: str) -> Key:
        namespace, route, rule, backend = key.split("/")
        return Key(namespace, route, int(rule), backend)

    def ref_in(self, route: JsonObject) -> JsonObject:
        """The backendRef. Raises ValueError, with a text for people, when there is not exactly one."""
        rules = list(items(part(route, "spec"), "rules"))
        if self.rule >= len(rules):
            raise ValueError(f"the route has no rule {self.rule}")
        found = [ref for ref in items(rules[self.rule], "backendRefs") if ref.get("name") == self.backend]
        if len(found) != 1:
            times = f"{len(found)} times" if found else "not"
            raise ValueError(f"rule {self.rule} of the route names {self.backend} {times}")
        return found[0]


def state_of(route: JsonObject, key: Key, ready: bool | None) -> State:
    """What one backendRef gets. One that is not there gets nothing, and has the mode `missing`.

    Args:
        ready: whether an endpoint of its service is; None where nobody can tell.
    """
    try:
        weight, mode, problem = number(key.ref_in(route), "weight", 1), READY, _problem_of(route)
    except ValueError as error:
        weight, mode, problem, ready = 0, MISSING, str(error), False
    told: dict[str, Json] = {}
    if ready is not None:
        told["ready"] = ready
    settled = _is_settled(route)
    if settled is not None:
        told["settled"] = settled
    if problem:
        told["problem"] = problem
    if controller := managed_by(route):
        told["managed_by"] = controller
    return {"weight": weight, "mode": mode, STATUS: told}


def no_route() -> State:
    """The state of a backendRef whose route does not exist."""
    return {"weight": 0, "mode": MISSING, STATUS: {"ready": False, "problem": "there is no such route"}}


def fault_of(after: State) -> str:
    """Why this state cannot be written; empty when it can."""
    wanted = settings_of(after)
    weight = wanted.get("weight")
    if set(wanted) != {"weight", "mode"} or wanted.get("mode") != READY:
        return "a state must hold a weight and the mode ready"
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= LARGEST_WEIGHT:
        return f"a weight must be a whole number from 0 to {LARGEST_WEIGHT}"
    return ""


def with_weights(route: JsonObject, weights: Mapping[Key, int]) -> list[Json]:
    """All rules of the route, with these weights and otherwise as they are: a merge patch replaces lists whole."""
    wanted = {(key.rule, key.backend): weight for key, weight in weights.items()}
    rules: list[Json] = []
    for place, rule in enumerate(items(part(route, "spec"), "rules")):
        refs: list[Json] = []
        for ref in items(rule, "backendRefs"):
            weight = wanted.get((place, text(ref, "name")))
            refs.append(ref if weight is None else {**ref, "weight": weight})
        rules.append({**rule, "backendRefs": refs} if "backendRefs" in rule else rule)
    return rules


def emptied(rules: Sequence[Json], touched: set[int]) -> set[int]:
    """Which of these rules would send traffic nowhere."""
    return {
        place
        for place, rule in enumerate(rules)
        if place in touched
        and isinstance(rule, Mapping)
        and not any(number(ref, "weight", 1) for ref in items(rule, "backendRefs"))
    }


def _generation_seen(parent: JsonObject) -> int:
    return max((number(one, "observedGeneration") for one in items(parent, "conditions")), default=0)


def _is_settled(route: JsonObject) -> bool | None:
    """Whether a gateway has taken the route as it is now; None where no gateway says anything at all."""
    generation = number(part(route, "metadata"), "generation")
    parents = list(items(part(route, "status"), "parents"))
    return any(_generation_seen(parent) >= generation for parent in parents) if parents else None


def _problem_of(route: JsonObject) -> str:
    """Why a gateway does not take the route as it is now; empty when none says so."""
    generation = number(part(route, "metadata"), "generation")
    for parent in items(part(route, "status"), "parents"):
        accepted = condition(parent, "Accepted")
        if accepted.get("status") == "False" and number(accepted, "observedGeneration") >= generation:
            said = text(accepted, "message")[:LONGEST_MESSAGE] or text(accepted, "reason")
            return f"the gateway {text(part(parent, 'parentRef'), 'name')} does not accept the route: {said}"
    return ""
