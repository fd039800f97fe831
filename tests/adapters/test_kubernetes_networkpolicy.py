"""NetworkPolicies in particular: replaced whole under their lock, created where they are gone, and never taken away."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from incidents.adapters.kubernetes_networkpolicy import KubernetesNetworkPolicy
from incidents.domain.changes import Cause, Receipt, Reply, State, settings_of, status_of
from incidents.domain.errors import BackendRefused, BackendTimeout, InventoryFault
from incidents.domain.findings import Severity
from incidents.wire.deadline import Deadline
from tests.adapters.kubernetes_support import OPEN, SHUT, change, kube, kubeconfig, policies, shown
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import TOKEN, Cluster
from tests.fakes.kubernetes_recorded import Object, Replay, answers

KEY = "shop/ingress"
FOLDER = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
PATH = f"{FOLDER}/ingress"
CAUSE = Cause("k", "RUN-7K3P-QX", "shop-operator", "back")
ABSENT: State = {"present": False}


ROLL_BACK = change(KEY, shown(SHUT), shown(OPEN))
BRING_BACK = change(KEY, ABSENT, shown(OPEN))


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.policy("ingress")
    return made


@pytest.fixture
def fake(cluster: Cluster) -> Iterator[FakeKubernetes]:
    with FakeKubernetes(cluster) as server:
        yield server


@pytest.fixture
def adapter(fake: FakeKubernetes) -> Iterator[KubernetesNetworkPolicy]:
    made = policies(fake, KEY, "shop/other")
    yield made
    made.close()


def put(adapter: KubernetesNetworkPolicy, one: Any = ROLL_BACK) -> Receipt:
    (receipt,) = adapter.apply([one], CAUSE)
    return receipt


def codes(adapter: KubernetesNetworkPolicy, one: Any = ROLL_BACK) -> list[str]:
    return [finding.code for finding in adapter.rehearse([one])]


class Between:
    """Does something to the cluster just before the first request of a method is answered."""

    def __init__(self, cluster: Cluster, method: str, deed: Callable[[], object]) -> None:
        self._cluster, self._method, self._deed, self._done = cluster, method, deed, False

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
        if method == self._method and not self._done:
            self._done = True
            self._deed()
        return self._cluster.answer(method, path, query, body, token)


# As recorded.


def test_a_policy_that_shuts_everybody_out_is_replaced_as_recorded() -> None:
    """A PUT of anything else than what was recorded, the version of the look included, is not in the recording."""
    with FakeKubernetes(Replay("networkpolicy", "revert-forbidden")) as fake:
        adapter = policies(fake, KEY)
        assert settings_of(adapter.observe([KEY])[KEY]) == shown(SHUT)
        assert put(adapter) == Receipt(KEY, Reply.ACCEPTED)
        ((query, body),) = fake.sent("PUT")
        assert query == {"fieldManager": "handrail", "fieldValidation": "Strict"}
        assert body == answers("networkpolicy")[0] | {"spec": OPEN}
        adapter.close()


def test_a_dry_run_and_a_conflict_as_recorded() -> None:
    whole = {**answers("networkpolicy")[0], "spec": OPEN}
    with FakeKubernetes(Replay("networkpolicy")) as fake:
        speaker = kube(kubeconfig(f"http://{fake.address}"))
        tried = speaker.replace(Deadline(3), PATH, whole, dry_run=True)
        done, stale = (speaker.replace(Deadline(3), PATH, whole) for _ in range(2))
        speaker.close()
    assert (tried.status, done.status, stale.status) == (200, 200, 409)
    assert tried.body["spec"] == done.body["spec"] == OPEN
    assert stale.words.startswith(
        'kube-a refused: Operation cannot be fulfilled on networkpolicies.networking.k8s.io "i'
    )


def test_the_stand_in_answers_as_the_real_server_did(cluster: Cluster, fake: FakeKubernetes) -> None:
    speaker = kube(kubeconfig(f"http://{fake.address}"))
    read = speaker.get(Deadline(3), PATH).body
    whole = {**read, "spec": OPEN}
    tried = speaker.replace(Deadline(3), PATH, whole, dry_run=True).body
    done = speaker.replace(Deadline(3), PATH, whole).body
    stale = speaker.replace(Deadline(3), PATH, whole)
    speaker.close()
    _, recorded_try, recorded, conflict = answers("networkpolicy")
    for made, real in ((tried, recorded_try), (done, recorded)):
        assert made["spec"] == real["spec"]
        assert made["metadata"]["generation"] == real["metadata"]["generation"] == 2  # type: ignore[index, call-overload]
    assert tried["metadata"]["resourceVersion"] == read["metadata"]["resourceVersion"]  # type: ignore[index, call-overload]
    assert done["metadata"]["resourceVersion"] != read["metadata"]["resourceVersion"]  # type: ignore[index, call-overload]
    assert (stale.status, stale.body) == (409, conflict)


# What is written.


def test_all_else_of_the_object_goes_back_as_it_was_read(cluster: Cluster, adapter: KubernetesNetworkPolicy) -> None:
    there = cluster.objects[PATH]
    there["metadata"] |= {
        "labels": {"team": "shop"},
        "annotations": {"shop.example/why": "audit"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Thing", "name": "x", "uid": "u"}],
        "laterField": {"a": [1]},
    }
    there["laterPart"] = {"of": "a newer server"}
    newer = {**OPEN, "ingress": [{**OPEN["ingress"][0], "laterField": "kept"}]}
    before = copy.deepcopy(there)
    assert put(adapter, change(KEY, shown(SHUT), shown(newer))) == Receipt(KEY, Reply.ACCEPTED)
    after = cluster.objects[PATH]
    assert after["spec"] == newer
    for name in ("labels", "annotations", "ownerReferences", "laterField", "uid", "creationTimestamp"):
        assert after["metadata"][name] == before["metadata"][name]
    assert after["laterPart"] == before["laterPart"]


def test_nothing_of_the_bad_policy_stays(cluster: Cluster, adapter: KubernetesNetworkPolicy) -> None:
    bad = {**SHUT, "egress": [{}], "policyTypes": ["Ingress", "Egress"], "podSelector": {"matchLabels": {"a": "b"}}}
    cluster.policy("ingress", bad)
    assert put(adapter, change(KEY, shown(bad), shown(OPEN))).reply is Reply.ACCEPTED
    assert cluster.objects[PATH]["spec"] == OPEN


def test_a_policy_that_is_gone_is_seen_and_created_again(cluster: Cluster, fake: FakeKubernetes) -> None:
    del cluster.objects[PATH]
    cluster.policy("other")
    adapter = policies(fake, KEY, "shop/other")
    seen = adapter.observe([KEY, "shop/other"])
    assert settings_of(seen[KEY]) == ABSENT
    assert status_of(seen[KEY]) == {"label": "no policy", "problem": "there is no such network policy"}
    assert settings_of(seen["shop/other"]) == shown(SHUT)
    assert codes(adapter, BRING_BACK) == []
    assert PATH not in cluster.objects
    assert put(adapter, BRING_BACK) == Receipt(KEY, Reply.ACCEPTED)
    sent = [(query.get("dryRun"), body) for query, body in fake.sent("POST") if body["kind"] == "NetworkPolicy"]
    whole = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "shop", "name": "ingress"},
        "spec": OPEN,
    }
    assert sent == [("All", whole), (None, whole)]
    assert settings_of(adapter.observe([KEY])[KEY]) == shown(OPEN)
    assert put(adapter, BRING_BACK) == Receipt(KEY, Reply.ACCEPTED)
    assert cluster.writes == 1
    adapter.close()


@pytest.mark.parametrize("before", [shown(SHUT), ABSENT], ids=["of one that is there", "of one that is gone already"])
def test_a_policy_is_never_taken_away(fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, before: State) -> None:
    why = "without this policy everything that it keeps out would be let in, so none is ever taken away here"
    gone: tuple[State, ...] = (ABSENT, {"present": False, "spec": OPEN})
    for after in gone:
        one = change(KEY, before, after)
        assert put(adapter, one) == Receipt(KEY, Reply.REFUSED, f"not sent: {why}")
        (finding,) = adapter.rehearse([one])
        assert (finding.code, finding.severity) == ("backend.refused", Severity.BLOCKER)
        assert finding.text == f"{KEY} cannot be put back: {why}."
    assert fake.requests == []


NO_SPEC = "the state holds no spec"
NO_PODS = "it does not say which pods it is for"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({}, NO_SPEC),
        ({"present": True}, NO_SPEC),
        ({"spec": OPEN}, NO_SPEC),
        (shown({}), NO_SPEC),
        (shown(None), NO_SPEC),
        (shown([OPEN]), NO_SPEC),
        (shown("podSelector: {}"), NO_SPEC),
        ({"present": 1, "spec": OPEN}, NO_SPEC),
        ({"present": "true", "spec": OPEN}, NO_SPEC),
        ({"present": None, "spec": OPEN}, NO_SPEC),
        ({**shown(OPEN), "name": "another"}, NO_SPEC),
        (shown({"policyTypes": ["Ingress"]}), NO_PODS),
        (shown({**OPEN, "podSelector": None}), NO_PODS),
        (shown({**OPEN, "podSelector": []}), NO_PODS),
        # To a server this is a rule for everybody.
        (shown({**OPEN, "ingress": [{"from": None}]}), "it holds a null"),
        (shown({**OPEN, "ingress": [{"ports": [{"port": 80.5}]}]}), "its spec cannot be kept exactly"),
        (shown({**OPEN, "ingress": [{"ports": [{"port": 2**60}]}]}), "its spec cannot be kept exactly"),
        (shown({**OPEN, "podSelector": {"matchLabels": {"app": "\ud800"}}}), "its spec cannot be kept exactly"),
    ],
)
def test_a_state_that_cannot_be_written_is_refused_before_anything_is_sent(
    fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, after: State, words: str
) -> None:
    one = change(KEY, shown(SHUT), after)
    receipt = put(adapter, one)
    assert (receipt.reply, words in receipt.detail) == (Reply.REFUSED, True)
    (finding,) = adapter.rehearse([one])
    assert (finding.code, words in finding.text) == ("backend.refused", True)
    assert fake.requests == []


def test_a_bad_state_does_not_keep_the_others_of_its_batch_back(
    cluster: Cluster, adapter: KubernetesNetworkPolicy
) -> None:
    cluster.policy("other")
    receipts = adapter.apply([change(KEY, shown(SHUT), ABSENT), change("shop/other", shown(SHUT), shown(OPEN))], CAUSE)
    assert [receipt.reply for receipt in receipts] == [Reply.REFUSED, Reply.ACCEPTED]
    assert cluster.objects[PATH]["spec"] == SHUT


def test_keys_that_are_none() -> None:
    for key in ("ingress", "shop/", "/ingress", "shop/in/gress", "shop/Ingress", "shop/..", "shop/*", "shop/a b", ""):
        with pytest.raises(InventoryFault, match="must be a namespace and a NetworkPolicy, such as shop/ingress"):
            KubernetesNetworkPolicy.normalize_key(key)
    assert KubernetesNetworkPolicy.normalize_key("shop/allow.from-edge") == "shop/allow.from-edge"


# What others do meanwhile.


def test_a_policy_that_has_vanished_since_the_preview_is_left_to_people(
    cluster: Cluster, adapter: KubernetesNetworkPolicy
) -> None:
    del cluster.objects[PATH]
    words = "somebody has taken the policy away since the preview, so it was left alone"
    assert put(adapter) == Receipt(KEY, Reply.REFUSED, f"not sent: {words}")
    (finding,) = adapter.rehearse([ROLL_BACK])
    assert (finding.code, finding.text) == ("backend.changed", f"{KEY} cannot be changed: {words}.")
    assert cluster.objects == {}


def test_a_policy_that_vanishes_between_our_look_and_our_change(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy
) -> None:
    fake.world = Between(cluster, "PUT", lambda: cluster.objects.pop(PATH))
    receipt = put(adapter)
    assert receipt.reply is Reply.REFUSED
    assert '"ingress" not found' in receipt.detail
    assert cluster.objects == {}


@pytest.mark.parametrize(
    ("spec", "reply", "words"),
    [
        (SHUT, Reply.REFUSED, "not sent: somebody has made the policy since the preview, so it was left alone"),
        (OPEN, Reply.ACCEPTED, ""),
    ],
    ids=["another one", "the same one"],
)
@pytest.mark.parametrize("method", ["GET", "POST"], ids=["before our look", "after our look"])
def test_a_policy_that_somebody_else_has_created(
    cluster: Cluster,
    fake: FakeKubernetes,
    adapter: KubernetesNetworkPolicy,
    method: str,
    spec: Object,
    reply: Reply,
    words: str,
) -> None:
    del cluster.objects[PATH]
    fake.world = Between(cluster, method, lambda: cluster.policy("ingress", spec))
    assert put(adapter, BRING_BACK) == Receipt(KEY, reply, words)
    assert (cluster.objects[PATH]["spec"], cluster.writes) == (spec, 0)


def test_a_policy_that_somebody_else_changes_after_our_look_is_left_alone(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy
) -> None:
    theirs = {**OPEN, "ingress": [{}]}
    fake.world = Between(cluster, "PUT", lambda: cluster.policy("ingress", theirs))
    words = "not sent: the policy has changed since the preview, so it was left alone"
    assert put(adapter) == Receipt(KEY, Reply.REFUSED, words)
    assert (cluster.objects[PATH]["spec"], cluster.writes) == (theirs, 0)
    assert codes(adapter) == ["backend.changed"]


@pytest.mark.parametrize(("churn", "reply"), [(1, Reply.ACCEPTED), (4, Reply.ACCEPTED), (9, Reply.NOT_SENT)])
def test_somebody_who_writes_all_the_time_but_not_to_the_spec(
    cluster: Cluster, adapter: KubernetesNetworkPolicy, churn: int, reply: Reply
) -> None:
    cluster.churn = churn
    assert put(adapter).reply is reply
    assert cluster.writes == (1 if reply is Reply.ACCEPTED else 0)


def test_a_label_that_somebody_sets_after_our_look_is_kept(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy
) -> None:
    def mark() -> None:
        cluster.objects[PATH]["metadata"]["labels"] = {"seen": "yes"}
        cluster.controller(PATH)

    fake.world = Between(cluster, "PUT", mark)
    assert put(adapter) == Receipt(KEY, Reply.ACCEPTED)
    assert cluster.objects[PATH]["metadata"]["labels"] == {"seen": "yes"}


def test_a_policy_that_is_about_to_go(cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy) -> None:
    cluster.objects[PATH]["metadata"]["deletionTimestamp"] = "2026-11-22T18:45:11Z"
    assert status_of(adapter.observe([KEY])[KEY])["settled"] is False
    words = "somebody has deleted the policy, and it is about to go"
    assert put(adapter) == Receipt(KEY, Reply.REFUSED, f"not sent: {words}")
    assert codes(adapter) == ["backend.refused"]
    assert fake.sent("PUT") == []


def test_an_object_without_a_version_is_not_written(fake: FakeKubernetes, adapter: KubernetesNetworkPolicy) -> None:
    class Versionless:
        def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
            return 200, {"metadata": {"name": "ingress"}, "spec": SHUT}

    fake.world = Versionless()
    assert put(adapter).reply is Reply.REFUSED
    assert fake.sent("PUT") == []


# What is told besides.


def test_who_would_undo_it(cluster: Cluster, adapter: KubernetesNetworkPolicy) -> None:
    assert "managed_by" not in status_of(adapter.observe([KEY])[KEY])
    cluster.objects[PATH]["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    assert status_of(adapter.observe([KEY])[KEY])["managed_by"] == "Flux"
    cluster.objects[PATH]["metadata"]["labels"] = {}
    cluster.objects[PATH]["metadata"]["managedFields"].append({"manager": "argocd-controller"})
    assert status_of(adapter.observe([KEY])[KEY])["managed_by"] == "Argo CD"


def test_what_is_told_is_never_part_of_what_is_compared(adapter: KubernetesNetworkPolicy) -> None:
    seen = adapter.observe([KEY])[KEY]
    assert set(seen) == {"present", "spec", "status"}
    assert set(status_of(seen)) == {"label", "text"}
    assert put(adapter, change(KEY, seen, seen)) == Receipt(KEY, Reply.ACCEPTED)


# What goes wrong.


@pytest.mark.parametrize(
    ("one", "mode", "only", "reply", "done"),
    [
        (ROLL_BACK, "hang", "PUT", "unanswered", 0),
        (ROLL_BACK, "close", "PUT", "unanswered", 0),
        (ROLL_BACK, "drop_reply", "PUT", "unanswered", 1),
        (ROLL_BACK, "page", "PUT", "unanswered", 0),
        (ROLL_BACK, "500", "PUT", "unanswered", 0),
        (ROLL_BACK, "429", "PUT", "not_sent", 0),
        (ROLL_BACK, "409", "PUT", "not_sent", 0),
        (ROLL_BACK, "403", "PUT", "refused", 0),
        (ROLL_BACK, "422", "PUT", "refused", 0),
        (ROLL_BACK, "lie", "PUT", "accepted", 0),
        (ROLL_BACK, "hang", "GET", "not_sent", 0),
        (ROLL_BACK, "503", "GET", "not_sent", 0),
        (ROLL_BACK, "page", "GET", "not_sent", 0),
        (BRING_BACK, "hang", "POST", "unanswered", 0),
        (BRING_BACK, "drop_reply", "POST", "unanswered", 1),
        (BRING_BACK, "page", "POST", "unanswered", 0),
        (BRING_BACK, "409", "POST", "not_sent", 0),
        (BRING_BACK, "403", "POST", "refused", 0),
        # A namespace that is not there.
        (BRING_BACK, "404", "POST", "refused", 0),
        (BRING_BACK, "lie", "POST", "accepted", 0),
        # A 404 of somebody in between is no word about the policy.
        (BRING_BACK, "404", "GET", "refused", 0),
    ],
)
def test_what_is_told_of_a_change(
    cluster: Cluster, fake: FakeKubernetes, one: Any, mode: str, only: str, reply: str, done: int
) -> None:
    if one is BRING_BACK:
        del cluster.objects[PATH]
    adapter = policies(fake, KEY, budget_seconds=0.6)
    fake.mode, fake.only = mode, frozenset({only})
    assert str(put(adapter, one).reply) == reply
    assert cluster.writes == done
    if reply == "unanswered":  # and the same again finds out
        fake.mode = "ok"
        assert put(adapter, one).reply is Reply.ACCEPTED
        assert (cluster.objects[PATH]["spec"], cluster.writes) == (OPEN, 1)
    adapter.close()


@pytest.mark.parametrize(
    ("mode", "error"),
    [("hang", BackendTimeout), ("500", BackendRefused), ("403", BackendRefused), ("page", BackendRefused)],
)
def test_what_observe_learns(fake: FakeKubernetes, mode: str, error: type[Exception]) -> None:
    fake.mode = mode
    adapter = policies(fake, KEY, budget_seconds=0.4)
    with pytest.raises(error):
        adapter.observe([KEY])
    adapter.close()


NOT_FOUND = answers("revert-missing")[0]


@pytest.mark.parametrize(
    "said",
    [
        {"message": "no such page"},
        None,
        [],
        {**NOT_FOUND, "details": {}},
        {**NOT_FOUND, "details": {"name": "shop", "kind": "namespaces"}},
        {**NOT_FOUND, "details": {"name": "other", "kind": "networkpolicies"}},
        {**NOT_FOUND, "reason": "Gone", "details": {"name": "ingress", "kind": "networkpolicies"}},
    ],
)
def test_a_404_of_anybody_else_is_no_absence(fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, said: Any) -> None:
    class Proxy:
        def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
            return 404, said

    fake.world = Proxy()
    with pytest.raises(BackendRefused):
        adapter.observe([KEY])
    assert put(adapter, BRING_BACK).reply is Reply.REFUSED
    assert fake.sent("POST") == []


@pytest.mark.parametrize("spec", [None, {}, [], {"policyTypes": ["Ingress"]}, {**OPEN, "weight": 0.5}])
def test_a_policy_that_could_not_be_put_back_is_not_observed(
    cluster: Cluster, adapter: KubernetesNetworkPolicy, spec: Any
) -> None:
    cluster.objects[PATH]["spec"] = spec
    with pytest.raises(BackendRefused, match="shop/ingress on kube-a cannot be observed: it"):
        adapter.observe([KEY])
    assert put(adapter).reply is Reply.REFUSED
    assert codes(adapter) == ["backend.refused"]
    assert cluster.writes == 0


def test_nothing_shows_the_token(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        told = [repr(adapter), repr(adapter._kube)]
        fake.mode = "echo"
        for method in ("PUT", "POST", "GET"):
            fake.only = frozenset({method})
            if method == "POST":
                del cluster.objects[PATH]
            one = ROLL_BACK if method == "PUT" else BRING_BACK
            told += [repr(put(adapter, one)), repr(adapter.rehearse([one]))]
        with pytest.raises(BackendRefused) as caught:
            adapter.observe([KEY])
    told += [str(caught.value), caplog.text]
    assert "(secret)" in told[2]
    assert not any(TOKEN in words for words in told)


# Rehearsals.


def test_a_rehearsal_that_finds_nothing_has_no_effect(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy
) -> None:
    before = copy.deepcopy(cluster.objects)
    assert adapter.rehearse([ROLL_BACK, change("shop/other", ABSENT, shown(OPEN))]) == []
    assert cluster.objects == before
    assert [query["dryRun"] for query, _ in fake.sent("PUT")] == ["All"]
    assert [query["dryRun"] for query, body in fake.sent("POST") if body["kind"] == "NetworkPolicy"] == ["All"]


def test_a_document_that_the_server_does_not_take(cluster: Cluster, adapter: KubernetesNetworkPolicy) -> None:
    bad = shown({**OPEN, "ingress": [{"ports": [{"port": 80, "protocol": "ICMP"}]}]})
    for one in (change(KEY, shown(SHUT), bad), change("shop/other", ABSENT, bad)):
        (finding,) = adapter.rehearse([one])
        assert (finding.code, finding.severity, finding.subject) == ("backend.refused", Severity.BLOCKER, one.key)
        assert "is invalid: spec.ingress[0].ports[0].protocol: Unsupported value: 'ICMP'" in finding.text
        assert len(finding.text) <= 201
        assert put(adapter, one).reply is Reply.REFUSED
    assert cluster.writes == 0


def test_a_field_that_the_server_does_not_know_is_not_lost_in_silence(
    cluster: Cluster, adapter: KubernetesNetworkPolicy
) -> None:
    newer = change(KEY, shown(SHUT), shown({**OPEN, "onlyAtNight": True}))
    (finding,) = adapter.rehearse([newer])
    assert finding.code == "backend.refused"
    assert 'unknown field "spec.onlyAtNight"' in finding.text
    assert put(adapter, newer).reply is Reply.REFUSED
    assert cluster.writes == 0


@pytest.mark.parametrize(("one", "verb", "words"), [(ROLL_BACK, "update", "change"), (BRING_BACK, "create", "create")])
def test_without_permission_nothing_is_tried(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, one: Any, verb: str, words: str
) -> None:
    if one is BRING_BACK:
        del cluster.objects[PATH]
    cluster.forbidden = {(verb, "networkpolicies")}
    (finding,) = adapter.rehearse([one])
    assert (finding.code, finding.severity) == ("backend.no-permission", Severity.BLOCKER)
    assert finding.text.startswith(f"We have no permission to {words} {KEY} on kube-a;")
    ((_, review),) = fake.sent("POST")
    asked = review["spec"]["resourceAttributes"]
    # No right to create depends on a name, so a question with one could be answered wrongly.
    assert (asked["verb"], asked.get("name")) == (verb, "ingress" if verb == "update" else None)
    receipt = put(adapter, one)
    assert receipt.reply is Reply.REFUSED
    assert f'cannot {verb} resource "networkpolicies"' in receipt.detail


@pytest.mark.parametrize(
    ("mode", "only", "code"),
    [
        ("404", "POST", []),  # a server without access reviews: the dry run tells as well
        ("403", "PUT", ["backend.no-permission"]),
        ("403", "GET", ["backend.no-permission"]),
        ("404", "GET", ["backend.refused"]),
        ("422", "PUT", ["backend.refused"]),
        ("409", "PUT", ["backend.not-rehearsed"]),
        ("503", "PUT", ["backend.not-rehearsed"]),
        ("500", "GET", ["backend.not-rehearsed"]),
        ("close", "PUT", ["backend.not-rehearsed"]),
    ],
)
def test_what_a_rehearsal_tells(
    fake: FakeKubernetes, adapter: KubernetesNetworkPolicy, mode: str, only: str, code: list[str]
) -> None:
    fake.mode, fake.only = mode, frozenset({only})
    assert codes(adapter) == code


def test_a_webhook_that_cannot_pretend_keeps_nobody_from_a_rescue(
    cluster: Cluster, fake: FakeKubernetes, adapter: KubernetesNetworkPolicy
) -> None:
    class Webhook:
        def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
            if "dryRun" in query:
                return 400, {"message": 'admission webhook "policy.example" does not support dry run', "code": 400}
            return cluster.answer(method, path, query, body, token)

    fake.world = Webhook()
    (finding,) = adapter.rehearse([ROLL_BACK])
    assert (finding.code, finding.severity) == ("backend.not-rehearsed", Severity.NOTE)
    assert put(adapter) == Receipt(KEY, Reply.ACCEPTED)


def test_a_rule_of_the_cluster_that_changes_what_is_written(cluster: Cluster, adapter: KubernetesNetworkPolicy) -> None:
    def widen(made: Object) -> None:
        made["spec"]["ingress"] = [{}]

    cluster.admission = widen
    for one in (ROLL_BACK, change("shop/other", ABSENT, shown(OPEN))):
        (finding,) = adapter.rehearse([one])
        assert (finding.code, finding.severity) == ("backend.alters", Severity.WARNING)
        told = Receipt(one.key, Reply.ACCEPTED, "the cluster has changed on the way what was written")
        assert put(adapter, one) == told


def test_a_default_that_is_left_out_is_told_beforehand(adapter: KubernetesNetworkPolicy) -> None:
    older = {name: value for name, value in OPEN.items() if name != "policyTypes"}
    assert codes(adapter, change(KEY, shown(SHUT), shown(older))) == ["backend.alters"]


def test_a_rehearsal_of_what_is_so_already(adapter: KubernetesNetworkPolicy, fake: FakeKubernetes) -> None:
    assert codes(adapter, change(KEY, shown(OPEN), shown(SHUT))) == []
    assert fake.sent("PUT") == []
