"""What a NetworkPolicy is: pure, from the object as the API server shows it; and which of its states can be written.

What is missing means much here, says the reference of networking.k8s.io/v1: without `podSelector` a policy is for all
pods of its namespace, a rule without `from` or `to` is for everybody, and without any policy everything is let through.
"""

from __future__ import annotations

from collections.abc import Mapping

from incidents.adapters.kube_patch import check_exact, check_writable, without_nulls
from incidents.adapters.kube_read import managed_by, part
from incidents.adapters.kubernetes_networkpolicy_text import label_of, text_of
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, State, settings_of

ABSENT: State = {"present": False, STATUS: {"label": "no policy", "problem": "there is no such network policy"}}


def state_of(policy: JsonObject) -> State:
    """Raises ValueError when it could not be put back as it is shown."""
    spec = without_nulls(part(policy, "spec"))
    if fault := _fault_of_spec(spec):
        raise ValueError(fault)
    told: dict[str, Json] = {"label": label_of(spec), "text": text_of(spec)}
    if is_leaving(policy):
        told["settled"] = False
    if controller := managed_by(policy):
        told["managed_by"] = controller
    return {"present": True, "spec": spec, STATUS: told}


def is_leaving(policy: JsonObject) -> bool:
    """Whether somebody has deleted it, and it only waits for what holds it up."""
    return "deletionTimestamp" in part(policy, "metadata")


def fault_of(after: State) -> str:
    """Why this state cannot be written; empty when it can."""
    wanted = settings_of(after)
    if wanted.get("present") is False:
        return "without this policy everything that it keeps out would be let in, so none is ever taken away here"
    spec = wanted.get("spec")
    if set(wanted) != {"present", "spec"} or wanted["present"] is not True or not isinstance(spec, Mapping) or not spec:
        return "the state holds no spec of a network policy"
    return _fault_of_spec(spec)


def _fault_of_spec(spec: JsonObject) -> str:
    if not isinstance(spec.get("podSelector"), Mapping):
        return "it does not say which pods it is for (podSelector), and without that it would be for all of them"
    try:
        check_writable(spec)
        check_exact(spec, "its spec")
    except ValueError as error:
        return str(error)
    return ""
