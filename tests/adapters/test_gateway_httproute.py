"""HTTPRoutes in particular: weights of one route in one patch, under its lock, and never a rule without traffic."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from incidents.adapters.gateway_httproute import GatewayHttpRoute
from incidents.domain.changes import Cause, Receipt, Reply, State, settings_of, status_of
from incidents.domain.errors import BackendRefused, BackendTimeout, InventoryFault
from tests.adapters.kubernetes_support import change, routes
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import Cluster
from tests.fakes.kubernetes_recorded import Object, Replay

AMS, FRA, IAD = "shop/web/0/shop-ams", "shop/web/0/shop-fra", "shop/web/1/shop-iad"
PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web"
CAUSE = Cause("k", "RUN-7K3P-QX", "shop-operator", "back")


def weight(value: int, mode: str = "ready") -> State:
    return {"weight": value, "mode": mode}


def move(key: str, before: int, after: int) -> Any:
    return change(key, weight(before), weight(after))


BACK = [move(FRA, 0, 50), move(AMS, 100, 50)]


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.route("web", {"shop-ams": 100, "shop-fra": 0}, {"shop-iad": None})
    return made


@pytest.fixture
def fake(cluster: Cluster) -> Iterator[FakeKubernetes]:
    with FakeKubernetes(cluster) as server:
        yield server


@pytest.fixture
def adapter(fake: FakeKubernetes) -> Iterator[GatewayHttpRoute]:
    made = routes(fake, AMS, FRA, IAD)
    yield made
    made.close()


def replies(adapter: GatewayHttpRoute, changes: list[Any]) -> list[str]:
    return [str(receipt.reply) for receipt in adapter.apply(changes, CAUSE)]


def codes(adapter: GatewayHttpRoute, changes: list[Any]) -> list[str]:
    return [finding.code for finding in adapter.rehearse(changes)]


def weights(cluster: Cluster) -> list[dict[str, int | None]]:
    rules = cluster.objects[PATH]["spec"]["rules"]
    return [{ref["name"]: ref.get("weight") for ref in rule["backendRefs"]} for rule in rules]


def test_a_shift_as_recorded() -> None:
    """Any patch that does not make of the route what was recorded is not in the recording."""
    ams, fra = "shop/shop/0/shop-ams", "shop/shop/0/shop-fra"
    with FakeKubernetes(Replay("httproute-weights")) as fake:
        adapter = routes(fake, ams, fra)
        assert {key: settings_of(state) for key, state in adapter.observe([ams, fra]).items()} == {
            ams: weight(100),
            fra: weight(0),
        }
        batch = [move(fra, 0, 50), move(ams, 100, 50)]
        assert replies(adapter, batch) == ["accepted", "accepted"]
        assert len(fake.sent("PATCH")) == 1
        adapter.close()


def test_all_changes_of_a_route_are_one_patch_of_the_weights_alone(
    cluster: Cluster, fake: FakeKubernetes, adapter: GatewayHttpRoute
) -> None:
    before = copy.deepcopy(cluster.objects[PATH])
    assert adapter.apply([*BACK, move(IAD, 1, 7)], CAUSE) == [Receipt(key, Reply.ACCEPTED) for key in (FRA, AMS, IAD)]
    assert weights(cluster) == [{"shop-ams": 50, "shop-fra": 50}, {"shop-iad": 7}]
    ((query, patch),) = fake.sent("PATCH")
    assert query == {"fieldManager": "handrail"}
    assert set(patch) == {"metadata", "spec"}
    assert patch["metadata"] == {"resourceVersion": before["metadata"]["resourceVersion"]}
    for rule in before["spec"]["rules"]:
        for ref in rule["backendRefs"]:
            ref["weight"] = {"shop-ams": 50, "shop-fra": 50, "shop-iad": 7}[ref["name"]]
    assert cluster.objects[PATH]["spec"] == before["spec"]


def test_a_weight_that_is_left_out_is_one(cluster: Cluster, fake: FakeKubernetes, adapter: GatewayHttpRoute) -> None:
    assert settings_of(adapter.observe([IAD])[IAD]) == weight(1)
    assert replies(adapter, [move(IAD, 5, 1)]) == ["accepted"]
    assert fake.sent("PATCH") == []
    assert replies(adapter, [move(FRA, 0, 3)]) == ["accepted"]
    assert weights(cluster)[1] == {"shop-iad": None}


@pytest.mark.parametrize(
    ("changes", "told", "left"),
    [
        ([move(AMS, 100, 0)], ["refused"], {"shop-ams": 100, "shop-fra": 0}),
        ([move(AMS, 100, 0), move(FRA, 0, 0)], ["refused", "accepted"], {"shop-ams": 100, "shop-fra": 0}),
        ([move(AMS, 100, 0), move(FRA, 0, 9)], ["accepted", "accepted"], {"shop-ams": 0, "shop-fra": 9}),
        # The other half was refused, so this half would empty the rule.
        ([move(AMS, 100, 0), move(FRA, 4, 9)], ["refused", "refused"], {"shop-ams": 100, "shop-fra": 0}),
        # A rule that would be emptied does not keep another one from being changed.
        ([move(AMS, 100, 0), move(IAD, 1, 2)], ["refused", "accepted"], {"shop-ams": 100, "shop-fra": 0}),
        ([move(IAD, 1, 0)], ["refused"], {"shop-ams": 100, "shop-fra": 0}),
    ],
)
def test_no_rule_is_left_without_traffic(
    cluster: Cluster, adapter: GatewayHttpRoute, changes: list[Any], told: list[str], left: dict[str, int]
) -> None:
    blockers = codes(adapter, changes)
    assert replies(adapter, changes) == told
    assert weights(cluster)[0] == left
    assert len(blockers) == told.count("refused")


def test_the_reason_is_said(adapter: GatewayHttpRoute) -> None:
    words = "nothing of this rule would get traffic any more, so every request would be answered by an error"
    assert adapter.apply([move(AMS, 100, 0)], CAUSE) == [Receipt(AMS, Reply.REFUSED, f"not sent: {words}")]
    (finding,) = adapter.rehearse([move(AMS, 100, 0)])
    assert (finding.code, finding.text) == ("backend.refused", f"{AMS}: {words}.")


@pytest.mark.parametrize(
    "after",
    [
        weight(-1),
        weight(1_000_001),
        {"weight": True, "mode": "ready"},
        {"weight": "5", "mode": "ready"},
        weight(0, "missing"),
        weight(5, "drain"),
        {"weight": 5},
        {**weight(5), "port": 80},
    ],
)
def test_a_state_that_cannot_be_written_is_refused_and_the_others_are_done(
    cluster: Cluster, fake: FakeKubernetes, adapter: GatewayHttpRoute, after: State
) -> None:
    bad = change(FRA, weight(0), after)
    assert replies(adapter, [bad]) == ["refused"]
    assert fake.requests == []
    assert codes(adapter, [bad]) == ["backend.refused"]
    assert replies(adapter, [bad, move(AMS, 100, 1_000_000)]) == ["refused", "accepted"]
    assert weights(cluster)[0] == {"shop-ams": 1_000_000, "shop-fra": 0}


def test_what_is_not_there_gets_nothing_and_hides_nobody(cluster: Cluster, fake: FakeKubernetes) -> None:
    cluster.route("twice", {"shop-ams": 1})
    cluster.objects[PATH.replace("web", "twice")]["spec"]["rules"][0]["backendRefs"] *= 2
    absent = {
        "shop/gone/0/shop-ams": "there is no such route",
        "shop/web/7/shop-ams": "the route has no rule 7",
        "shop/web/0/shop-iad": "rule 0 of the route names shop-iad not",
        "shop/twice/0/shop-ams": "rule 0 of the route names shop-ams 2 times",
    }
    adapter = routes(fake, AMS, *absent)
    states = adapter.observe([AMS, *absent])
    assert settings_of(states[AMS]) == weight(100)
    for key, problem in absent.items():
        assert settings_of(states[key]) == weight(0, "missing")
        assert status_of(states[key]) == {"ready": False, "problem": problem}
        assert replies(adapter, [change(key, states[key], weight(5))]) == ["refused"]
        assert codes(adapter, [change(key, states[key], weight(5))]) == ["backend.no-such-key"]
    assert cluster.writes == 0
    adapter.close()


@pytest.mark.parametrize(
    "key",
    [
        "shop/web/0",
        "shop/web/x/shop-ams",
        "shop/web/00/shop-ams",
        "shop/web/-1/shop-ams",
        "shop/web/100/shop-ams",
        "shop//0/shop-ams",
        "/web/0/shop-ams",
        "shop/web/0/",
        "shop/../0/shop-ams",
        "shop/web/0/shop-ams/8080",
    ],
)
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(InventoryFault, match="must be namespace, route"):
        GatewayHttpRoute.normalize_key(key)
    assert GatewayHttpRoute.normalize_key(AMS) == AMS


# What is told besides.


def parent(status: str, generation: int, message: str = "") -> Object:
    accepted = {"type": "Accepted", "status": status, "observedGeneration": generation, "message": message}
    return {"parentRef": {"name": "edge"}, "conditions": [accepted]}


@pytest.mark.parametrize(
    ("parents", "told"),
    [
        (None, {}),
        ([], {}),
        ([parent("True", 1)], {"settled": True}),
        ([parent("True", 0)], {"settled": False}),
        ([parent("True", 0), parent("True", 1)], {"settled": True}),
        (
            [parent("False", 1, "no listener")],
            {"settled": True, "problem": "the gateway edge does not accept the route: no listener"},
        ),
        ([parent("False", 0, "no listener")], {"settled": False}),
    ],
)
def test_what_gateways_say(fake: FakeKubernetes, parents: list[Object] | None, told: Object) -> None:
    cluster = Cluster()
    cluster.forbidden = {("list", "endpointslices")}
    cluster.route("web", {"shop-ams": 100}, parents=parents)
    fake.world = cluster
    adapter = routes(fake, AMS)
    assert status_of(adapter.observe([AMS])[AMS]) == told
    adapter.close()


@pytest.mark.parametrize(
    ("endpoints", "ready"),
    [([], False), ([False], False), ([False, True], True), ([None], True)],
)
def test_whether_a_service_could_take_traffic(
    cluster: Cluster, adapter: GatewayHttpRoute, endpoints: list[bool | None], ready: bool
) -> None:
    cluster.endpoints("shop-ams", *endpoints)
    assert status_of(adapter.observe([AMS])[AMS]) == {"ready": ready}
    cluster.forbidden = {("list", "endpointslices")}
    assert status_of(adapter.observe([AMS])[AMS]) == {}


def test_a_service_of_another_namespace_and_what_is_no_service(cluster: Cluster, adapter: GatewayHttpRoute) -> None:
    ams, fra = cluster.objects[PATH]["spec"]["rules"][0]["backendRefs"]
    ams["namespace"] = "other"
    fra |= {"group": "example.com", "kind": "Bucket"}
    cluster.slices["other", "shop-ams"] = [{"metadata": {}, "endpoints": [{"conditions": {"ready": True}}]}]
    states = adapter.observe([AMS, FRA])
    assert (status_of(states[AMS]), status_of(states[FRA])) == ({"ready": True}, {})


def test_a_controller_that_would_undo_it_is_named(cluster: Cluster, adapter: GatewayHttpRoute) -> None:
    cluster.objects[PATH]["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    assert status_of(adapter.observe([AMS])[AMS])["managed_by"] == "Flux"


# Locks, and what goes wrong.


@pytest.mark.parametrize(("churn", "reply"), [(1, "accepted"), (4, "accepted"), (9, "not_sent")])
def test_a_gateway_that_writes_meanwhile(cluster: Cluster, adapter: GatewayHttpRoute, churn: int, reply: str) -> None:
    cluster.churn = churn
    assert replies(adapter, BACK) == [reply, reply]
    assert cluster.writes == (1 if reply == "accepted" else 0)


def test_a_rule_that_is_added_meanwhile_is_not_lost(
    cluster: Cluster, fake: FakeKubernetes, adapter: GatewayHttpRoute
) -> None:
    """Rules are replaced whole, so what somebody else adds between our look and our patch must stop the patch."""

    class Meddler:
        done = False

        def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
            if method == "PATCH" and not self.done:
                self.done = True
                rules = cluster.objects[PATH]["spec"]["rules"]
                rules.append(copy.deepcopy(rules[0]))
                cluster.controller(PATH)
            return cluster.answer(method, path, query, body, token)

    fake.world = Meddler()
    assert replies(adapter, BACK) == ["accepted", "accepted"]
    assert weights(cluster) == [
        {"shop-ams": 50, "shop-fra": 50},
        {"shop-iad": None},
        {"shop-ams": 100, "shop-fra": 0},
    ]


@pytest.mark.parametrize(
    ("mode", "only", "reply", "done"),
    [
        ("hang", "PATCH", "unanswered", 0),
        ("hang", "GET", "not_sent", 0),
        ("drop_reply", "PATCH", "unanswered", 1),
        ("lie", "PATCH", "accepted", 0),
        ("500", "PATCH", "unanswered", 0),
        ("503", "GET", "not_sent", 0),
        ("403", "PATCH", "refused", 0),
        ("422", "PATCH", "refused", 0),
    ],
)
def test_what_is_told_of_a_change(
    cluster: Cluster, fake: FakeKubernetes, mode: str, only: str, reply: str, done: int
) -> None:
    adapter = routes(fake, AMS, FRA, IAD, budget_seconds=0.6)
    fake.mode, fake.only = mode, frozenset({only})
    # What is so already needs no patch; whether it is so is not known without a look.
    so_already = "accepted" if only == "PATCH" else reply
    assert replies(adapter, [*BACK, move(IAD, 9, 1)]) == [reply, reply, so_already]
    assert cluster.writes == done
    adapter.close()


@pytest.mark.parametrize(("mode", "error"), [("hang", BackendTimeout), ("500", BackendRefused)])
def test_what_observe_learns(fake: FakeKubernetes, mode: str, error: type[Exception]) -> None:
    fake.mode = mode
    adapter = routes(fake, AMS, budget_seconds=0.4)
    with pytest.raises(error):
        adapter.observe([AMS])
    adapter.close()


def test_a_rehearsal(cluster: Cluster, fake: FakeKubernetes, adapter: GatewayHttpRoute) -> None:
    before = copy.deepcopy(cluster.objects)
    assert adapter.rehearse(BACK) == []
    assert [query.get("dryRun") for query, _ in fake.sent("PATCH")] == ["All"]
    assert cluster.objects == before
    assert codes(adapter, [move(FRA, 7, 50), move(AMS, 100, 50)]) == ["backend.changed"]
    fake.mode, fake.only = "422", frozenset({"PATCH"})
    assert codes(adapter, BACK) == ["backend.refused"]
    fake.mode = "ok"
    cluster.forbidden = {("patch", "httproutes")}
    (finding,) = adapter.rehearse(BACK)
    assert (finding.code, finding.subject) == ("backend.no-permission", "route shop/web")
    fake.stop()
    assert codes(adapter, BACK) == ["backend.not-rehearsed"]
