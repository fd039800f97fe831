"""Deployments in particular: against recorded answers of a real API server, and a stand-in that misbehaves."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from incidents.adapters.kubernetes_deployment import KubernetesDeployment
from incidents.domain.changes import Cause, Receipt, Reply, State, settings_of, status_of
from incidents.domain.errors import BackendRefused, BackendTimeout, BackendUnreachable, InventoryFault
from incidents.domain.findings import Severity
from tests.adapters.kubernetes_support import BAD, GOOD, change, deployments, with_image
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import TOKEN, Cluster
from tests.fakes.kubernetes_recorded import Object, Replay

KEY, PATH = "shop/checkout", "/apis/apps/v1/namespaces/shop/deployments/checkout"
CAUSE = Cause("k", "RUN-7K3P-QX", "shop-operator", "checkout\n answers   500")
GOOD_STATE: State = {"template": GOOD}
BAD_STATE: State = {"template": BAD}
STUCK = "the rollout got no further for 600 seconds: new copies do not become ready"
REVERT = change(KEY, BAD_STATE, GOOD_STATE)


@pytest.fixture
def cluster() -> Cluster:
    """Where checkout runs the bad template, and does not come up."""
    made = Cluster()
    made.deployment("checkout", template=copy.deepcopy(BAD))
    made.give_up(PATH)
    return made


@pytest.fixture
def fake(cluster: Cluster) -> Iterator[FakeKubernetes]:
    with FakeKubernetes(cluster) as server:
        yield server


@pytest.fixture
def adapter(fake: FakeKubernetes) -> Iterator[KubernetesDeployment]:
    made = deployments(fake, KEY)
    yield made
    made.close()


def revert(adapter: KubernetesDeployment) -> Receipt:
    (receipt,) = adapter.apply([REVERT], CAUSE)
    return receipt


def codes(adapter: KubernetesDeployment, one: Any = REVERT) -> list[str]:
    return [finding.code for finding in adapter.rehearse([one])]


# As recorded.


def test_a_revert_as_recorded() -> None:
    """The exchanges of a bad deploy and its revert; any other patch than the right one is not in the recording."""
    with FakeKubernetes(Replay("revert")) as fake:
        adapter = deployments(fake, KEY)
        assert adapter.observe([KEY]) == {
            KEY: {"template": BAD, "status": {"label": "checkout:1.43-bad", "settled": False, "ready": True}}
        }
        assert revert(adapter) == Receipt(KEY, Reply.ACCEPTED)
        assert adapter.observe([KEY]) == {
            KEY: {"template": GOOD, "status": {"label": "checkout:1.42", "settled": True, "ready": True}}
        }
        assert len(fake.sent("PATCH")) == 1
        # Repeated: what is so already is not sent again.
        assert revert(adapter).reply is Reply.ACCEPTED
        assert len(fake.sent("PATCH")) == 1
        adapter.close()


def test_a_rehearsal_as_recorded() -> None:
    with FakeKubernetes(Replay("bad-deploy", "revert-dry-run")) as fake:
        adapter = deployments(fake, KEY)
        assert adapter.rehearse([REVERT]) == []
        ((query, patch),) = fake.sent("PATCH")
        assert query == {"dryRun": "All", "fieldManager": "handrail"}
        assert patch["metadata"]["resourceVersion"] == "951"
        adapter.close()


def test_refusals_as_recorded() -> None:
    with FakeKubernetes(Replay("revert-missing", "revert-unauthorized")) as fake:
        adapter = deployments(fake, KEY, "shop/nosuch")
        with pytest.raises(BackendRefused, match="does not accept our token"):
            adapter.observe([KEY])
        assert adapter.observe(["shop/nosuch"])["shop/nosuch"]["mode"] == "missing"
        refused, missing = adapter.apply([REVERT, change("shop/nosuch", BAD_STATE, GOOD_STATE)], CAUSE)
        assert (refused.reply, missing.reply) == (Reply.REFUSED, Reply.REFUSED)
        assert missing.detail == 'kube-a refused: deployments.apps "nosuch" not found'
        adapter.close()


# Looking.


def test_a_fraction_in_a_template_cannot_be_kept_exactly(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    cluster.objects[PATH]["spec"]["template"]["spec"]["share"] = 0.5
    with pytest.raises(BackendRefused, match="shop/checkout on kube-a cannot be observed: its template"):
        adapter.observe([KEY])
    assert revert(adapter).reply is Reply.REFUSED
    assert codes(adapter) == ["backend.refused"]
    assert cluster.writes == 0


def test_one_deployment_that_is_gone_does_not_hide_the_others(cluster: Cluster, fake: FakeKubernetes) -> None:
    adapter = deployments(fake, KEY, "shop/gone")
    states = adapter.observe([KEY, "shop/gone"])
    assert settings_of(states[KEY]) == BAD_STATE
    assert settings_of(states["shop/gone"]) == {"template": {}, "mode": "missing"}
    gone = change("shop/gone", states["shop/gone"], GOOD_STATE)
    assert codes(adapter, gone) == ["backend.no-such-key"]
    assert adapter.apply([gone], CAUSE)[0].reply is Reply.REFUSED
    adapter.close()


NO_KEYS = ["checkout", "shop/", "/checkout", "shop/check out", "Shop/checkout", "shop/a/b", "a.b/c", "shop/../x"]


@pytest.mark.parametrize("key", [*NO_KEYS, f"shop/{'a' * 250}"])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(InventoryFault, match="must be a namespace and a Deployment"):
        KubernetesDeployment.normalize_key(key)
    assert KubernetesDeployment.normalize_key("shop/checkout.v2") == "shop/checkout.v2"


# Changing.


def test_a_change_tells_its_cause_and_touches_nothing_else(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesDeployment
) -> None:
    before = copy.deepcopy(cluster.objects[PATH])
    assert revert(adapter) == Receipt(KEY, Reply.ACCEPTED)
    ((query, patch),) = fake.sent("PATCH")
    assert query == {"fieldManager": "handrail"}
    assert patch == {
        "metadata": {
            "resourceVersion": before["metadata"]["resourceVersion"],
            "annotations": {"kubernetes.io/change-cause": "RUN-7K3P-QX by shop-operator: checkout answers 500"},
        },
        "spec": {"template": {"spec": {"containers": GOOD["spec"]["containers"]}}},
    }
    now = cluster.objects[PATH]
    assert {**now["spec"], "template": None} == {**before["spec"], "template": None}
    assert now["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "4"


def test_a_long_reason_is_cut(fake: FakeKubernetes, adapter: KubernetesDeployment) -> None:
    adapter.apply([REVERT], Cause("k", "RUN-7K3P-QX", "shop-operator", "x" * 5000))
    (_, patch) = fake.sent("PATCH")[0]
    assert len(patch["metadata"]["annotations"]["kubernetes.io/change-cause"]) == 200


def test_a_rollout_takes_its_time(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    cluster.prompt = False
    assert status_of(adapter.observe([KEY])[KEY])["problem"] == STUCK
    revert(adapter)
    fresh = adapter.observe([KEY])[KEY]
    assert (settings_of(fresh), status_of(fresh)["settled"]) == (GOOD_STATE, False)
    assert "problem" not in status_of(fresh)
    # The controller has looked, and its verdict is still that on the rollout before.
    generation = cluster.objects[PATH]["metadata"]["generation"]
    cluster.controller(PATH, observedGeneration=generation)
    begun = status_of(adapter.observe([KEY])[KEY])
    assert (begun["settled"], "problem" in begun) == (False, False)
    cluster.give_up(PATH, at="2099-01-01T00:00:00Z")
    assert status_of(adapter.observe([KEY])[KEY])["problem"] == STUCK
    cluster.finish(PATH)
    assert status_of(adapter.observe([KEY])[KEY]) == {"label": "checkout:1.42", "settled": True, "ready": True}


@pytest.mark.parametrize(("churn", "reply", "looks"), [(1, "accepted", 2), (4, "accepted", 5), (9, "not_sent", 5)])
def test_a_controller_that_writes_meanwhile(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesDeployment, churn: int, reply: str, looks: int
) -> None:
    cluster.churn = churn
    assert str(revert(adapter).reply) == reply
    assert len(fake.sent("GET")) == looks
    assert cluster.writes == (1 if reply == "accepted" else 0)


def test_somebody_who_deploys_between_our_look_and_our_change(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesDeployment
) -> None:
    """The lock makes us read anew, and what we read is neither before nor after."""
    theirs = with_image("registry.example/checkout:1.44")

    class Meddler:
        def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
            if method == "PATCH":
                cluster.objects[PATH]["spec"]["template"] = copy.deepcopy(theirs)
                cluster.controller(PATH)
            return cluster.answer(method, path, query, body, token)

    fake.world = Meddler()
    receipt = revert(adapter)
    words = "not sent: the deployment has changed since the preview, so it was left alone"
    assert receipt == Receipt(KEY, Reply.REFUSED, words)
    assert cluster.objects[PATH]["spec"]["template"] == theirs


def test_a_paused_deployment_is_left_alone(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    cluster.objects[PATH]["spec"]["paused"] = True
    receipt = revert(adapter)
    assert (receipt.reply, "paused" in receipt.detail) == (Reply.REFUSED, True)
    assert codes(adapter) == ["backend.paused"]
    assert cluster.writes == 0


@pytest.mark.parametrize(
    "after",
    [
        {"template": {}},
        {"template": {}, "mode": "missing"},
        {"template": GOOD, "replicas": 0},
        {"template": "checkout:1.42"},
        {},
        {"template": {"spec": {"share": 0.5}}},
        {"template": {"spec": {"a": None}}},
        {"template": {"spec": {"a": [{"b": None}]}}},
    ],
)
def test_a_state_that_cannot_be_written_exactly_is_not_sent(
    fake: FakeKubernetes, adapter: KubernetesDeployment, after: Any
) -> None:
    one = change(KEY, BAD_STATE, after)
    (receipt,) = adapter.apply([one], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert receipt.detail.startswith("not sent: ")
    assert codes(adapter, one) == ["backend.refused"]
    assert fake.requests == []


def test_many_deployments_in_one_batch(cluster: Cluster, fake: FakeKubernetes) -> None:
    names = [f"shop-{n}" for n in range(30)]
    for name in names:
        cluster.deployment(name, template=copy.deepcopy(BAD))
    keys = [f"shop/{name}" for name in names]
    adapter = deployments(fake, *keys, budget_seconds=20)
    receipts = adapter.apply([change(key, BAD_STATE, GOOD_STATE) for key in keys], CAUSE)
    assert receipts == [Receipt(key, Reply.ACCEPTED) for key in keys]
    assert {key: settings_of(state) for key, state in adapter.observe(keys).items()} == dict.fromkeys(keys, GOOD_STATE)
    adapter.close()


# What goes wrong.


@pytest.mark.parametrize(
    ("mode", "only", "reply", "done"),
    [
        ("slow", "PATCH", "accepted", 1),
        ("hang", "PATCH", "unanswered", 0),
        ("hang", "GET", "not_sent", 0),
        ("close", "PATCH", "unanswered", 0),
        ("close", "GET", "not_sent", 0),
        ("drop_reply", "PATCH", "unanswered", 1),
        ("lie", "PATCH", "accepted", 0),
        ("page", "PATCH", "unanswered", 0),
        ("page", "GET", "not_sent", 0),
        ("500", "PATCH", "unanswered", 0),
        ("504", "PATCH", "unanswered", 0),
        ("408", "PATCH", "unanswered", 0),
        ("503", "GET", "not_sent", 0),
        ("429", "PATCH", "not_sent", 0),
        ("429", "GET", "not_sent", 0),
        ("403", "PATCH", "refused", 0),
        ("403", "GET", "refused", 0),
        ("401", "PATCH", "refused", 0),
        ("302", "PATCH", "refused", 0),
    ],
)
def test_what_is_told_of_a_change(
    cluster: Cluster, fake: FakeKubernetes, mode: str, only: str, reply: str, done: int
) -> None:
    adapter = deployments(fake, KEY, budget_seconds=0.8)
    fake.mode, fake.only = mode, frozenset({only})
    assert str(revert(adapter).reply) == reply
    assert cluster.writes == done
    adapter.close()


@pytest.mark.parametrize(
    ("mode", "error"),
    [("hang", BackendTimeout), ("close", BackendTimeout), ("500", BackendRefused), ("page", BackendRefused)],
)
def test_what_observe_learns(fake: FakeKubernetes, mode: str, error: type[Exception]) -> None:
    fake.mode = mode
    adapter = deployments(fake, KEY, budget_seconds=0.4)
    with pytest.raises(error):
        adapter.observe([KEY])
    adapter.close()


def test_a_server_that_is_gone(fake: FakeKubernetes, adapter: KubernetesDeployment) -> None:
    adapter.observe([KEY])
    fake.stop()
    assert revert(adapter).reply is Reply.NOT_SENT
    with pytest.raises(BackendUnreachable):
        adapter.observe([KEY])
    assert [(one.code, one.severity) for one in adapter.rehearse([REVERT])] == [
        ("backend.not-rehearsed", Severity.NOTE)
    ]


def test_our_token_is_never_told(fake: FakeKubernetes, adapter: KubernetesDeployment) -> None:
    fake.mode = "echo"
    receipt = revert(adapter)
    findings = adapter.rehearse([REVERT])
    with pytest.raises(BackendRefused) as raised:
        adapter.observe([KEY])
    assert "Bearer (secret)" in receipt.detail
    assert TOKEN not in f"{receipt}{findings}{raised.value}{adapter!r}"


# Rehearsals.


def test_a_rehearsal_that_finds_nothing_has_no_effect(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    before = copy.deepcopy(cluster.objects)
    assert adapter.rehearse([REVERT]) == []
    assert cluster.objects == before


def test_without_permission_nothing_is_tried(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesDeployment
) -> None:
    cluster.forbidden = {("patch", "deployments")}
    (finding,) = adapter.rehearse([REVERT])
    assert (finding.code, finding.severity, finding.subject) == ("backend.no-permission", Severity.BLOCKER, KEY)
    assert fake.sent("PATCH") == []
    receipt = revert(adapter)
    assert receipt.reply is Reply.REFUSED
    assert 'cannot patch resource "deployments"' in receipt.detail


@pytest.mark.parametrize(
    ("mode", "only", "code"),
    [
        ("404", "POST", []),  # a server without access reviews: the dry run tells as well
        ("403", "PATCH", ["backend.no-permission"]),
        ("403", "GET", ["backend.no-permission"]),
        ("422", "PATCH", ["backend.refused"]),
        ("409", "PATCH", ["backend.not-rehearsed"]),
        ("503", "PATCH", ["backend.not-rehearsed"]),
        ("500", "GET", ["backend.not-rehearsed"]),
        ("close", "PATCH", ["backend.not-rehearsed"]),
    ],
)
def test_what_a_rehearsal_tells(
    fake: FakeKubernetes, adapter: KubernetesDeployment, mode: str, only: str, code: list[str]
) -> None:
    fake.mode, fake.only = mode, frozenset({only})
    assert codes(adapter) == code


def test_a_template_that_the_server_does_not_take(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    one = change(KEY, BAD_STATE, {"template": with_image("")})
    (finding,) = adapter.rehearse([one])
    assert finding.code == "backend.refused"
    assert "spec.template.spec.containers[0].image: Required value" in finding.text
    (receipt,) = adapter.apply([one], CAUSE)
    assert receipt.reply is Reply.REFUSED
    assert cluster.writes == 0


def test_a_rule_of_the_cluster_that_changes_what_is_written(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    def pin(made: Object) -> None:
        made["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/checkout@sha256:0123"

    cluster.admission = pin
    (finding,) = adapter.rehearse([REVERT])
    assert (finding.code, finding.severity) == ("backend.alters", Severity.WARNING)
    assert revert(adapter) == Receipt(KEY, Reply.ACCEPTED, "the cluster has changed on the way what was written")


def test_a_default_that_a_newer_server_fills_in_is_told_beforehand(
    cluster: Cluster, adapter: KubernetesDeployment
) -> None:
    older = copy.deepcopy(GOOD)
    del older["spec"]["schedulerName"]
    assert codes(adapter, change(KEY, BAD_STATE, {"template": older})) == ["backend.alters"]


def test_a_rehearsal_of_what_has_changed_meanwhile(cluster: Cluster, adapter: KubernetesDeployment) -> None:
    assert codes(adapter, change(KEY, {"template": with_image("x")}, GOOD_STATE)) == ["backend.changed"]
    assert codes(adapter, change(KEY, GOOD_STATE, BAD_STATE)) == []
