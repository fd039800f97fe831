"""States of Deployments, from objects as the API server shows them: pure, most of them recorded."""

from __future__ import annotations

import pytest

from incidents.adapters.kubernetes_deployment_status import label_of, state_of
from incidents.domain.changes import settings_of, status_of
from tests.adapters.kubernetes_support import GOOD, with_image
from tests.fakes.kubernetes_recorded import Object, answers


@pytest.mark.parametrize(
    ("scenario", "label", "status"),
    [
        ("bad-deploy", "checkout:1.43-bad", {"settled": False, "ready": True}),
        ("revert-repeat", "checkout:1.42", {"settled": True, "ready": True}),
        ("revert-paused", "paused:2", {"settled": True, "ready": True, "paused": True}),
        ("revert-no-history", "nohistory:2", {"settled": True, "ready": True}),
        ("revert-never-healthy", "cart:3-bad", {"settled": False, "ready": True}),
    ],
)
def test_what_recorded_deployments_are(scenario: str, label: str, status: Object) -> None:
    recorded = answers(scenario)[0]
    state = state_of(recorded)
    assert settings_of(state) == {"template": recorded["spec"]["template"]}
    assert status_of(state) == {"label": label, **status}


def deployed(changes: Object) -> Object:
    """The recorded healthy deployment with members of its parts replaced."""
    made = answers("revert-repeat")[0]
    for part, members in changes.items():
        made[part].update(members)
    return made


NOBODY = {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
TWO_MANAGERS = [{"manager": "kubectl"}, {"manager": "helm-controller"}]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"metadata": {"generation": 9}}, {"settled": False}),
        ({"status": {"updatedReplicas": 2}}, {"settled": False}),
        ({"status": {"availableReplicas": 2}}, {"settled": False, "ready": False}),
        ({"status": {"unavailableReplicas": 1}}, {"settled": False}),
        ({"status": {"replicas": 4}}, {"settled": False}),  # an old copy has not ended yet
        ({"spec": {"replicas": 5}}, {"settled": False, "ready": False}),
        ({"spec": {"replicas": 0}, "status": NOBODY}, {"ready": False}),
        ({"spec": {"paused": True}}, {"paused": True}),
        ({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}}, {"managed_by": "Argo CD"}),
        ({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}}, {"managed_by": "Argo CD"}),
        ({"metadata": {"labels": {"app.kubernetes.io/instance": "shop"}}}, {}),
        ({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}}, {"managed_by": "Flux"}),
        ({"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}}, {"managed_by": "Flux"}),
        ({"metadata": {"managedFields": [{"manager": "argocd-controller"}]}}, {"managed_by": "Argo CD"}),
        ({"metadata": {"managedFields": TWO_MANAGERS}}, {"managed_by": "Flux"}),
    ],
)  # fmt: skip
def test_what_is_told_besides(changes: Object, told: Object) -> None:
    assert status_of(state_of(deployed(changes))) == {"label": "checkout:1.42", "settled": True, "ready": True} | told


GAVE_UP = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "lastUpdateTime": "2026-11-22T19:00:00Z",
}
NO_QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: shop"}
WRITTEN = {"manager": "handrail", "time": "2026-11-22T19:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}}
SCALED = {"manager": "autoscaler", "time": "2026-11-22T20:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
STUCK = "the rollout got no further for 600 seconds: new copies do not become ready"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"status": {"conditions": [GAVE_UP]}}, STUCK),
        ({"status": {"conditions": [GAVE_UP]}, "metadata": {"managedFields": []}}, STUCK),
        ({"status": {"conditions": [GAVE_UP]}, "metadata": {"managedFields": [SCALED]}}, STUCK),
        ({"status": {"conditions": [GAVE_UP]}, "metadata": {"managedFields": [WRITTEN]}}, None),  # of before
        ({"status": {"conditions": [GAVE_UP]}, "metadata": {"generation": 9}}, None),
        ({"status": {"conditions": [{**GAVE_UP, "status": "True"}]}}, None),
        ({"status": {"conditions": [NO_QUOTA]}}, "new copies cannot be started: exceeded quota: shop"),
        ({"status": {"conditions": [NO_QUOTA]}, "metadata": {"generation": 9}}, None),
        ({"status": {}}, None),
    ],
)  # fmt: skip
def test_when_a_rollout_has_a_problem(changes: Object, problem: str | None) -> None:
    assert status_of(state_of(deployed(changes))).get("problem") == problem


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("registry.example/shop/checkout:1.42", "shop/checkout:1.42"),
        ("registry:5000/checkout:1.42", "checkout:1.42"),
        ("localhost/checkout", "checkout"),
        ("shop/checkout:1.42", "shop/checkout:1.42"),
        ("checkout:1.42", "checkout:1.42"),
        (f"registry.example/checkout@sha256:{'ab' * 32}", "checkout@sha256:abababababab"),
    ],
)
def test_how_people_call_an_image(image: str, label: str) -> None:
    template = with_image(image)
    assert label_of(template) == label
    template["spec"]["containers"].append({"name": "proxy", "image": "proxy:2"})
    assert label_of(template) == f"{label}, proxy:2"


def test_what_is_no_part_of_a_template_is_left_out() -> None:
    made = deployed({})
    made["spec"]["template"]["metadata"] |= {"creationTimestamp": None}
    made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = "847cfdf5d"
    assert settings_of(state_of(made)) == {"template": GOOD}
