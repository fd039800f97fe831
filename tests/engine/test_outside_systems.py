"""From a customer's tap to the proof, through the engine, on stand-ins of systems that cannot run here.

The world behind each is a page that answers by what the system really does: visitors judge, not receipts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm

from incidents.actions.base import Wish
from incidents.actions.catalogue import CATALOGUE
from incidents.domain.findings import Finding, blockers
from incidents.domain.runs import Outcome, Phase
from incidents.engine.advance import advance
from incidents.engine.poller import poll_once
from incidents.models import Backend, Binding, Diagnosis, Location, Plan, Point, Preapproval, Probe, Resource, Run
from incidents.services.propose import propose
from incidents.services.start import start
from tests.adapters.kubernetes_support import BAD, kubeconfig
from tests.factories import agree_on, make_terms
from tests.fakes.cloudflare import ACCOUNT, TOKEN, FakeCloudflare
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.kubernetes_cluster import Cluster
from tests.fakes.web import Answer, Web
from tests.scene import Scene, consent


@pytest.fixture
def page() -> Iterator[Callable[[Callable[[], bool]], str]]:
    """Starts a page that is well while the given question says so; returns its address."""
    pages: list[Web] = []

    def serve(well: Callable[[], bool]) -> str:
        web = Web(lambda request: Answer(200 if well() else 500, "page"))
        web.__enter__()
        pages.append(web)
        return web.address

    yield serve
    for web in pages:
        web.__exit__()


def settle(
    scene: Scene, action: str, name: str, backend: Backend, keys: dict[str, tuple[str, str]], visit: str
) -> Resource:
    """A resource as the inventory would make it: `keys` are (aspect, key) by location; `visit` is the page."""
    probe = Probe.objects.create(slug="visit", kind="http", budget_ms=2000)
    kind = CATALOGUE[action].kinds[0]
    settings = {"origins": [64496]} if kind == "prefix" else {}
    resource = Resource.objects.create(organization=scene.organization, kind=kind, name=name, settings=settings)
    for slug, (aspect, key) in keys.items():
        location = Location.objects.get(slug=slug)
        Binding.objects.create(resource=resource, location=location, backend=backend, aspect=aspect, key=key)
        Point.objects.create(probe=probe, resource=resource, location=location, address=visit)
    row = Preapproval.objects.create(
        slug=f"{action}-{backend.slug}"[:50],
        action=action,
        organization=scene.organization,
        terms={},
    )
    agree_on(row, replace(make_terms(), probes=("visit",)).as_json())
    row.resources.set([resource])
    assign_perm("incidents.use_preapproval", Group.objects.get(name="example-shop/operators"), row)
    return resource


def backend_of(kind: str, address: str, settings: dict[str, Any]) -> Backend:
    """Named by its port, for adapters are kept by their name as long as the inventory is the same."""
    slug = f"{kind}-{address.rpartition(':')[2]}"
    return Backend.objects.create(slug=slug, kind=kind, budget_ms=2000, slots=4, settings=settings)


def proven(resource: Resource) -> None:
    poll_once()
    time.sleep(0.002)
    poll_once()
    assert Binding.objects.filter(resource=resource, good=None).count() == 0
    assert damage(resource) == "healthy"


def damage(resource: Resource) -> str:
    return Diagnosis.objects.get(resource=resource, until=None).damage


def plan_of(scene: Scene, action: str, resource: Resource) -> Plan:
    return propose(scene.operator, scene.organization, action, [resource], Wish())


def tapped(scene: Scene, action: str, resource: Resource) -> Run:
    made = plan_of(scene, action, resource)
    assert blockers(tuple(Finding.from_json(item) for item in made.findings)) == ()
    return start(scene.operator, scene.organization, consent(made))


@pytest.fixture
def cluster() -> Iterator[tuple[Cluster, FakeKubernetes]]:
    world = Cluster()
    with FakeKubernetes(world) as server:
        yield world, server


def kube(server: FakeKubernetes, folder: Path, kind: str) -> Backend:
    file = folder / "kubeconfig"
    file.write_text(kubeconfig(f"http://{server.address}"))
    return backend_of(kind, server.address, {"kubeconfig": f"file:{file}"})


@dataclass(frozen=True, slots=True)
class Deployed:
    """A Deployment that was proven good, and then got a version that never comes up; `good` is what it ran before."""

    world: Cluster
    path: str
    good: Any
    resource: Resource


@pytest.fixture
def badly_deployed(
    scene: Scene,
    cluster: tuple[Cluster, FakeKubernetes],
    page: Callable[[Callable[[], bool]], str],
    tmp_path: Path,
) -> Deployed:
    world, server = cluster
    path = world.deployment("checkout")
    good = json.loads(json.dumps(world.objects[path]["spec"]["template"]))

    def well() -> bool:
        """Visitors get what the copies run that are up: the good program, once it is rolled out."""
        made = world.objects[path]
        current = made["status"].get("observedGeneration") == made["metadata"]["generation"]
        return bool(made["spec"]["template"] == good and current)

    backend = kube(server, tmp_path, "kubernetes-deployment")
    keys = {"edge-a": ("deploy", "shop/checkout")}
    resource = settle(scene, "revert_deploy", "checkout-in-cluster", backend, keys, page(well))
    proven(resource)
    world.objects[path]["spec"]["template"] = json.loads(json.dumps(BAD))
    world.objects[path]["metadata"]["generation"] += 1
    world.give_up(path)
    poll_once()
    assert damage(resource) == "bad_deploy"
    # From here on the controller does what the test says.
    world.prompt = False
    return Deployed(world, path, good, resource)


def test_a_bad_deployment_is_put_back_and_waited_for(scene: Scene, badly_deployed: Deployed) -> None:
    world, path = badly_deployed.world, badly_deployed.path
    run = tapped(scene, "revert_deploy", badly_deployed.resource)
    advance(run.pk)
    run.refresh_from_db()
    # The API server has taken the change; no copy is up yet, and a receipt is no success.
    assert world.objects[path]["spec"]["template"] == badly_deployed.good
    assert (run.phase, run.because) == (Phase.RUNNING, "backend.carrying-out")
    world.finish(path)
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.SUCCEEDED, "")
    cause = world.objects[path]["metadata"]["annotations"]["kubernetes.io/change-cause"]
    assert run.reference in cause


def test_a_good_version_whose_image_is_gone_fails_the_run_and_says_so(scene: Scene, badly_deployed: Deployed) -> None:
    """No dry run can know it: the cluster takes the change, and its new copies never start."""
    run = tapped(scene, "revert_deploy", badly_deployed.resource)
    advance(run.pk)
    later = timezone.now() + timedelta(seconds=5)
    badly_deployed.world.give_up(badly_deployed.path, at=f"{later:%Y-%m-%dT%H:%M:%SZ}")
    run = scene.carry_on(run)
    assert (run.outcome, run.because) == (Outcome.FAILED, "run.target-failed")
    assert [row.because for row in run.targets.all()] == ["backend.gave-up"]


def test_traffic_of_a_gateway_goes_back_in_steps(
    scene: Scene,
    cluster: tuple[Cluster, FakeKubernetes],
    page: Callable[[Callable[[], bool]], str],
    tmp_path: Path,
) -> None:
    world, server = cluster
    path = world.route("shop", {"blue": 100, "green": 100})
    for service in ("blue", "green"):
        world.endpoints(service, True)

    def weights() -> dict[str, int]:
        refs = world.objects[path]["spec"]["rules"][0]["backendRefs"]
        return {ref["name"]: ref["weight"] for ref in refs}

    backend = kube(server, tmp_path, "gateway-httproute")
    keys = {"edge-a": ("weight", "shop/shop/0/blue"), "edge-b": ("weight", "shop/shop/0/green")}
    resource = settle(scene, "shift_traffic_back", "shop-gateway", backend, keys, page(lambda: weights()["blue"] > 0))
    proven(resource)
    world.objects[path]["spec"]["rules"][0]["backendRefs"][0]["weight"] = 0
    poll_once()
    assert damage(resource) == "misrouted"
    run = scene.carry_on(tapped(scene, "shift_traffic_back", resource))
    assert (run.outcome, weights()) == (Outcome.SUCCEEDED, {"blue": 100, "green": 100})
    assert run.targets.count() == 3


@pytest.fixture
def cloudflare() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as server:
        yield server


def at_cloudflare(
    scene: Scene, server: FakeCloudflare, folder: Path, visit: str, name: str = "192.0.3.0/24"
) -> Resource:
    token = folder / "token"
    token.write_text(TOKEN)
    settings = {"account": ACCOUNT, "token": f"file:{token}", "url": server.url}
    backend = backend_of("cloudflare-byoip", server.web.address, settings)
    return settle(scene, "readvertise_prefix", name, backend, {"edge-a": ("route", name)}, visit)


def route_of(server: FakeCloudflare) -> dict[str, Any]:
    (routes,) = server.routes.values()
    state: dict[str, Any] = routes[0]["on_demand"]
    return state


def test_a_prefix_is_advertised_again_at_cloudflare(
    scene: Scene, cloudflare: FakeCloudflare, page: Callable[[Callable[[], bool]], str], tmp_path: Path
) -> None:
    cloudflare.add("192.0.3.0/24")
    route_of(cloudflare)["advertised"] = True
    resource = at_cloudflare(scene, cloudflare, tmp_path, page(lambda: route_of(cloudflare)["advertised"]))
    proven(resource)
    route_of(cloudflare)["advertised"] = False
    poll_once()
    assert damage(resource) == "withdrawn"
    run = scene.carry_on(tapped(scene, "readvertise_prefix", resource))
    assert (run.outcome, route_of(cloudflare)["advertised"], cloudflare.changes) == (Outcome.SUCCEEDED, True, 1)


def test_that_the_request_was_registered_is_no_success(
    scene: Scene, cloudflare: FakeCloudflare, page: Callable[[Callable[[], bool]], str], tmp_path: Path
) -> None:
    """The API shows `advertised`, and nobody outside can reach it: the run asks, and never says that it worked."""
    cloudflare.add("192.0.3.0/24")
    route_of(cloudflare)["advertised"] = True
    well = [True]
    resource = at_cloudflare(scene, cloudflare, tmp_path, page(lambda: well[0]))
    proven(resource)
    route_of(cloudflare)["advertised"] = well[0] = False
    poll_once()
    row = Preapproval.objects.get(resources=resource)
    agree_on(row, {**row.terms, "proof": {**row.terms["proof"], "within_seconds": 1}})
    run = scene.carry_on(tapped(scene, "readvertise_prefix", resource))
    assert route_of(cloudflare)["advertised"] is True
    assert (run.phase, run.because) == (Phase.PAUSED, "verdict.inconclusive")


def test_a_prefix_that_is_locked_has_no_button(
    scene: Scene, cloudflare: FakeCloudflare, page: Callable[[Callable[[], bool]], str], tmp_path: Path
) -> None:
    cloudflare.add("192.0.3.0/24")
    route_of(cloudflare)["advertised"] = True
    resource = at_cloudflare(scene, cloudflare, tmp_path, page(lambda: route_of(cloudflare)["advertised"]))
    proven(resource)
    route_of(cloudflare).update(advertised=False, on_demand_locked=True)
    against = blockers(
        tuple(Finding.from_json(item) for item in plan_of(scene, "readvertise_prefix", resource).findings)
    )
    assert "guard.locked" in [finding.code for finding in against]
    assert cloudflare.changes == 0
