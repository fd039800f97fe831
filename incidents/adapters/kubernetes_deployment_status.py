"""What a Deployment is and how far its rollout has come: pure, from the object as the API server shows it."""

from __future__ import annotations

import re

from incidents.adapters.kube_patch import check_exact, without_nulls
from incidents.adapters.kube_read import EMPTY, condition, items, managed_by, number, part, text
from incidents.domain.canonical import Json, JsonObject
from incidents.domain.changes import STATUS, State

# Set by the controller in ReplicaSets, whose templates are copies; it must never stand in a Deployment.
POD_TEMPLATE_HASH = "pod-template-hash"
GAVE_UP = "ProgressDeadlineExceeded"
LONGEST_MESSAGE = 160
MISSING: State = {
    "template": EMPTY,
    "mode": "missing",
    STATUS: {"settled": True, "ready": False, "problem": "there is no such deployment"},
}


def state_of(deployment: JsonObject) -> State:
    """Raises ValueError when the template holds what cannot be kept exactly, such as a number with a fraction."""
    return {"template": template_of(deployment), STATUS: _status_of(deployment)}


def template_of(deployment: JsonObject) -> JsonObject:
    """`spec.template` without nulls and without the label that belongs to the controller. Raises ValueError."""
    template = without_nulls(part(deployment, "spec", "template"))
    metadata = part(template, "metadata")
    if POD_TEMPLATE_HASH in part(metadata, "labels"):
        labels = {name: value for name, value in part(metadata, "labels").items() if name != POD_TEMPLATE_HASH}
        template = {**template, "metadata": {**metadata, "labels": labels}}
    check_exact(template, "its template")
    return template


def is_paused(deployment: JsonObject) -> bool:
    return part(deployment, "spec").get("paused") is True


def label_of(template: JsonObject) -> str:
    """The images of the containers as people call them: without the registry's host, digests shortened."""
    images = [text(container, "image") for container in items(part(template, "spec"), "containers")]
    return ", ".join(_short(image) for image in images if image)


def _short(image: str) -> str:
    # As Docker tells a host from a folder: by a dot, a port or the word localhost.
    host, slash, rest = image.partition("/")
    if slash and (re.search(r"[.:]", host) or host == "localhost"):
        image = rest
    return re.sub(r"(@sha256:[0-9a-f]{12})[0-9a-f]{52}$", r"\1", image)


def _status_of(deployment: JsonObject) -> JsonObject:
    spec, status = part(deployment, "spec"), part(deployment, "status")
    wanted, available = number(spec, "replicas", 1), number(status, "availableReplicas")
    told: dict[str, Json] = {
        "label": label_of(part(spec, "template")),
        "settled": _is_settled(deployment, wanted),
        "ready": available >= wanted > 0,
    }
    if problem := _problem_of(deployment):
        told["problem"] = problem
    if is_paused(deployment):
        told["paused"] = True
    if controller := managed_by(deployment):
        told["managed_by"] = controller
    return told


def _is_seen(deployment: JsonObject) -> bool:
    """Whether the controller has looked at the Deployment as it is now; until then its status is of before."""
    return number(part(deployment, "status"), "observedGeneration") >= number(
        part(deployment, "metadata"), "generation"
    )


def _is_settled(deployment: JsonObject, wanted: int) -> bool:
    """As `kubectl rollout status` decides it."""
    status = part(deployment, "status")
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    old = number(status, "replicas") - updated
    missing = number(status, "unavailableReplicas")
    return _is_seen(deployment) and updated >= wanted and available >= wanted and missing == 0 and old <= 0


def _problem_of(deployment: JsonObject) -> str:
    """Why the controller does not get further, as one sentence; empty when it does, or when nobody knows yet."""
    status = part(deployment, "status")
    if not _is_seen(deployment):
        return ""
    failure = condition(status, "ReplicaFailure")
    if failure.get("status") == "True":
        said = text(failure, "message")[:LONGEST_MESSAGE]
        return f"new copies cannot be started: {said or text(failure, 'reason')}"
    progress = condition(status, "Progressing")
    if progress.get("status") == "False" and progress.get("reason") == GAVE_UP and not _is_stale(deployment, progress):
        seconds = number(part(deployment, "spec"), "progressDeadlineSeconds", 600)
        return f"the rollout got no further for {seconds} seconds: new copies do not become ready"
    return ""


def _is_stale(deployment: JsonObject, progress: JsonObject) -> bool:
    """Whether the condition is of an earlier template.

    The controller keeps the verdict on a rollout that it gave up until a copy of the next one has started, although
    its status is of the new generation already (deployment/progress.go: it is only replaced by progress). So a
    revert would look as if it had failed before it began. When the template was last written stands in
    managedFields; both are times of RFC 3339 in UTC with whole seconds, which sort as text.
    """
    written = [
        text(entry, "time")
        for entry in items(part(deployment, "metadata"), "managedFields")
        if "f:template" in part(entry, "fieldsV1", "f:spec")
    ]
    return bool(written) and text(progress, "lastUpdateTime") <= max(written)
