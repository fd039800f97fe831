"""What an API server says, as recorded, and the rights that we ask it for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from incidents.adapters.kube_api import Place
from incidents.domain.changes import Cause, Reply
from incidents.wire.deadline import Deadline
from tests.adapters.kubernetes_support import (
    BAD,
    GOOD,
    OPEN,
    SHUT,
    change,
    deployments,
    kube,
    kubeconfig,
    policies,
    routes,
    shown,
)
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import TOKEN, Cluster
from tests.fakes.kubernetes_recorded import Replay, answers

ROOT = Path(__file__).resolve().parents[2]
PATH = "/apis/apps/v1/namespaces/shop/deployments/checkout"
CHECKOUT = Place("apps/v1", "deployments", "shop", "checkout")
CAUSE = Cause("k", "RUN-7K3P-QX", "shop-operator", "a test")


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.deployment("checkout")
    return made


def test_answers_as_recorded_and_what_they_mean(caplog: pytest.LogCaptureFixture) -> None:
    stale = {"metadata": {"resourceVersion": "1"}}
    with caplog.at_level(logging.DEBUG), FakeKubernetes(Replay("revert-conflict")) as fake:
        speaker = kube(kubeconfig(f"http://{fake.address}"))
        conflict = speaker.patch(Deadline(3), PATH, stale)
        fake.world = Replay("revert-forbidden")
        forbidden, may = speaker.patch(Deadline(3), PATH, stale), speaker.may(Deadline(3), "patch", CHECKOUT)
        fake.world = Replay("revert-invalid")
        invalid = speaker.patch(Deadline(3), PATH, stale)
        speaker.close()
    assert (conflict.status, forbidden.status, invalid.status) == (409, 403, 422)
    assert {forbidden.reply_to_write(), invalid.reply_to_write()} == {Reply.REFUSED}
    assert may is False
    told = (
        'kube-a refused: Deployment.apps "checkout" is invalid: spec.template.spec.containers[0].image: Required value'
    )
    assert invalid.words == told
    assert len(forbidden.words) <= 200
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_both_answers_to_the_question_for_rights_as_recorded() -> None:
    with FakeKubernetes(Replay("revert-forbidden")) as fake:
        speaker = kube(kubeconfig(f"http://{fake.address}"))
        assert [speaker.may(Deadline(3), "patch", CHECKOUT) for _ in range(2)] == [False, True]
        speaker.close()


def test_nothing_shows_the_token(cluster: Cluster) -> None:
    with FakeKubernetes(cluster) as fake:
        speaker = kube(kubeconfig(f"http://{fake.address}"))
        fake.mode = "echo"
        said = speaker.get(Deadline(3), PATH)
        assert TOKEN not in f"{said.words}{speaker!r}{speaker._client!r}"
        speaker.close()


# Rights.


def test_the_role_names_exactly_what_is_asked_for(cluster: Cluster) -> None:
    documents = list(yaml.safe_load_all((ROOT / "docs/kubernetes-role.yaml").read_text()))
    by_kind = {document["kind"]: document for document in documents}
    assert list(by_kind) == ["ServiceAccount", "Role", "RoleBinding", "Secret"]
    given = {
        (group, resource, verb)
        for rule in by_kind["Role"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    cluster.route("web", {"shop-ams": 100, "shop-fra": 0})
    cluster.policy("ingress")
    with FakeKubernetes(cluster) as fake:
        keys = ("shop/checkout", "shop/web/0/shop-fra", "shop/ingress", "shop/gone")
        deploy, route, policy = deployments(fake, keys[0]), routes(fake, keys[1]), policies(fake, *keys[2:])
        for adapter, changes in (
            (deploy, [change(keys[0], {"template": GOOD}, {"template": BAD})]),
            (route, [change(keys[1], {"weight": 0, "mode": "ready"}, {"weight": 5, "mode": "ready"})]),
            (policy, [change(keys[2], shown(SHUT), shown(OPEN)), change(keys[3], {"present": False}, shown(OPEN))]),
        ):
            adapter.observe([one.key for one in changes])
            assert adapter.rehearse(changes) == []
            assert {receipt.reply for receipt in adapter.apply(changes, CAUSE)} == {Reply.ACCEPTED}
            adapter.close()
    assert given == cluster.asked


def test_the_parts_of_the_role_belong_together() -> None:
    documents = list(yaml.safe_load_all((ROOT / "docs/kubernetes-role.yaml").read_text()))
    account, role, binding, secret = documents
    assert {document["metadata"]["namespace"] for document in documents} == {"shop"}
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": role["kind"],
        "name": role["metadata"]["name"],
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": "shop"}]
    assert secret["metadata"]["annotations"]["kubernetes.io/service-account.name"] == account["metadata"]["name"]
    # Nothing is deleted or changed by type, and only a policy that has vanished is ever created.
    unnamed = [(rule["resources"], rule["verbs"]) for rule in role["rules"] if not rule.get("resourceNames")]
    assert unnamed == [(["endpointslices"], ["list"]), (["networkpolicies"], ["create"])]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "patch", "update", "create"}


def test_the_stand_in_answers_as_the_real_server_did() -> None:
    """The exchanges of the revert, made with the stand-in: what matters of its answers is what was recorded."""
    made = Cluster()
    path = made.deployment("checkout", template=BAD)
    with FakeKubernetes(made) as fake:
        speaker = kube(kubeconfig(f"http://{fake.address}"))
        version = speaker.get(Deadline(3), path).body["metadata"]["resourceVersion"]  # type: ignore[index, call-overload]
        patch: Any = {"metadata": {"resourceVersion": version}, "spec": {"template": GOOD}}
        tried = speaker.patch(Deadline(3), path, patch, dry_run=True).body
        done = speaker.patch(Deadline(3), path, patch).body
        again = speaker.patch(Deadline(3), path, {"spec": {"template": GOOD}}).body
        stale = speaker.patch(Deadline(3), path, patch)
        speaker.close()
    recorded_try, recorded = answers("revert-dry-run")[0], answers("revert")[1]
    assert tried["spec"] == done["spec"] == recorded_try["spec"] == recorded["spec"]
    assert tried["metadata"]["resourceVersion"] == version  # type: ignore[index, call-overload]
    assert done["metadata"]["resourceVersion"] != version  # type: ignore[index, call-overload]
    assert again == made.objects[path]
    assert (stale.status, stale.body) == (409, answers("revert-conflict")[0])
