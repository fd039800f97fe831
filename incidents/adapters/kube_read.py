"""Reads objects of a cluster, whose members may be missing or of another type than they should; and who owns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from incidents.domain.canonical import Json, JsonObject

EMPTY: JsonObject = {}

# Controllers that put back what somebody else changes, and what shows that an object is theirs. Argo CD's default
# label, app.kubernetes.io/instance, is no sign of it: Helm charts and people set that one too.
ANNOTATIONS = {"argocd.argoproj.io/tracking-id": "Argo CD"}
LABELS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
MANAGERS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}


def part(value: JsonObject, *names: str) -> JsonObject:
    """The object at the end of this path; empty when there is none."""
    for name in names:
        inner = value.get(name)
        value = inner if isinstance(inner, Mapping) else EMPTY
    return value


def items(value: JsonObject, name: str) -> Iterator[JsonObject]:
    """The objects in the list of that name."""
    listed = value.get(name)
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, Mapping):
            yield item


def number(value: JsonObject, name: str, default: int = 0) -> int:
    """A count; servers leave out what is 0."""
    found = value.get(name, default)
    return found if isinstance(found, int) else default


def text(value: JsonObject, name: str) -> str:
    found: Json = value.get(name)
    return found if isinstance(found, str) else ""


def condition(status: JsonObject, kind: str) -> JsonObject:
    """The condition of that type; empty when there is none."""
    return next((one for one in items(status, "conditions") if one.get("type") == kind), EMPTY)


def managed_by(value: JsonObject) -> str:
    """Who would undo a change of this object; empty when nobody shows."""
    metadata = part(value, "metadata")
    for name, signs in (("annotations", ANNOTATIONS), ("labels", LABELS)):
        for sign, controller in signs.items():
            if sign in part(metadata, name):
                return controller
    managers = (text(entry, "manager") for entry in items(metadata, "managedFields"))
    return next((MANAGERS[manager] for manager in managers if manager in MANAGERS), "")
