"""A small cluster: what the API server and its controllers do with Deployments, HTTPRoutes and NetworkPolicies.

As in the recorded exchanges: a write that changes nothing bumps nothing, `dryRun=All` answers like the real call and
changes nothing, a merge patch or a PUT with a stale metadata.resourceVersion is answered by 409. Error bodies are the
recorded ones. That something is created was not recorded: it is as the API conventions of Kubernetes tell it.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.kubernetes_policies import fault_of_policy
from tests.fakes.kubernetes_recorded import Object, answers, merge, refusal

TOKEN = "token-of-the-console"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
DEFAULTS = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}


class Cluster:
    """Set it up by `deployment`, `route`, `policy` and `endpoints`; look into `objects`, `writes` and `asked`.

    Args of a test:
        prompt: whether the controllers finish every rollout at once; else `controller` says what they do.
        churn: before so many of the next writes a controller writes to the status of the object.
        forbidden: (verb, resource) that the token has no right to.
        admission: changes an object on its way in.
        token: the one that is accepted; empty for any.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.slices: dict[tuple[str, str], list[Object]] = {}
        self.prompt, self.churn, self.token = True, 0, TOKEN
        self.forbidden: set[tuple[str, str]] = set()
        self.admission: Callable[[Object], None] = lambda made: None
        self.writes = 0
        self.asked: set[tuple[str, str, str]] = set()
        self._version = 1000
        self._lock = threading.Lock()

    def deployment(self, name: str, **spec: Any) -> str:
        """A Deployment of the namespace shop as recorded while it was healthy. Returns its path."""
        made = answers("revert-repeat")[0]
        made["metadata"]["name"] = name
        made["spec"].update(spec)
        return self._add("apps/v1", "deployments", made)

    def route(self, name: str, *weights: Mapping[str, int | None], parents: list[Object] | None = None) -> str:
        """A HTTPRoute with a rule for each of `weights`, {service: weight, None to leave it out}. Returns its path."""
        made = answers("httproute-weights")[0]
        made["metadata"]["name"] = name
        (rule,) = made["spec"]["rules"]
        made["spec"]["rules"] = [{**rule, "backendRefs": [_ref(*one) for one in some.items()]} for some in weights]
        if parents is not None:
            made["status"] = {"parents": parents}
        return self._add("gateway.networking.k8s.io/v1", "httproutes", made)

    def policy(self, name: str, spec: Object | None = None) -> str:
        """A NetworkPolicy of the namespace shop, which lets nobody in unless `spec` says other. Returns its path."""
        made = answers("networkpolicy")[0]
        made["metadata"]["name"] = name
        made["spec"] = spec or made["spec"]
        return self._add("networking.k8s.io/v1", "networkpolicies", made)

    def endpoints(self, service: str, *ready: bool | None) -> None:
        """A slice for each endpoint of a service in the namespace shop; None leaves its condition out."""
        self.slices["shop", service] = [
            {
                "metadata": {"name": f"{service}-{at}"},
                "endpoints": [{"conditions": {} if one is None else {"ready": one}}],
            }
            for at, one in enumerate(ready)
        ]

    def controller(self, path: str, **status: Any) -> None:
        """A controller writes to the status; that moves the version, and nothing else."""
        made = self.objects[path]
        made.setdefault("status", {}).update(status)
        self._bump(made)

    def finish(self, path: str) -> None:
        """The controller has rolled the Deployment out."""
        made = self.objects[path]
        wanted = made["spec"].get("replicas", 1)
        self.controller(
            path,
            observedGeneration=made["metadata"]["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), wanted),
            conditions=[_progressing("True", "NewReplicaSetAvailable")],
            unavailableReplicas=0,
        )

    def give_up(self, path: str, at: str = "") -> None:
        """The controller stops waiting for the new copies of the Deployment: one started, and is not ready."""
        made = self.objects[path]
        self.controller(
            path,
            observedGeneration=made["metadata"]["generation"],
            updatedReplicas=1,
            unavailableReplicas=1,
            conditions=[_progressing("False", "ProgressDeadlineExceeded", at)],
        )

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
        with self._lock:
            return copy.deepcopy(self._answer(method, path, query, body, token))

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
        if self.token and token != self.token:
            return 401, refusal("revert-unauthorized", 401)
        if path == REVIEWS:
            return self._review(body)
        group, resource, name, verb = _parts(method, path)
        self.asked.add((group, resource, verb))
        if (verb, resource) in self.forbidden:
            names = {"deployments": resource, "checkout": name, "cannot patch": f"cannot {verb}", '"apps': f'"{group}'}
            return 403, refusal("revert-forbidden", 403, **names)
        if verb == "list":
            return 200, {"metadata": {"resourceVersion": "1"}, "items": self._slices(path, query)}
        if verb == "create":
            return self._create(path, query, body)
        if path not in self.objects:
            return 404, refusal("revert-missing", 404, nosuch=name, deployments=resource, apps=group)
        return (200, self.objects[path]) if verb == "get" else self._write(path, query, body, merged=verb == "patch")

    def _write(self, path: str, query: dict[str, str], body: Any, *, merged: bool) -> tuple[int, Any]:
        if self.churn > 0:
            self.churn -= 1
            self.controller(path, replicas=self.churn + 100)
        now = self.objects[path]
        version = body.get("metadata", {}).get("resourceVersion")
        if version is not None and version != now["metadata"]["resourceVersion"]:
            policy = now["kind"] == "NetworkPolicy"
            scenario, recorded = ("networkpolicy", "ingress") if policy else ("revert-conflict", "checkout")
            return 409, refusal(scenario, 409, **{recorded: now["metadata"]["name"]})
        made = merge(copy.deepcopy(now), body) if merged else copy.deepcopy(body)
        made["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"]
        self.admission(made)
        if fault := _fault(made, query):
            return fault["code"], fault
        if made == now:
            return 200, now
        if made["spec"] != now["spec"]:
            made["metadata"]["generation"] += 1
            _manage(made, query.get("fieldManager", "unknown"))
        if query.get("dryRun") == "All":
            return 200, made
        self.objects[path] = made
        self.writes += 1
        self._bump(made)
        if self.prompt and made["kind"] == "Deployment":
            self.finish(path)
        return 200, made

    def _create(self, folder: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        path = f"{folder}/{body['metadata']['name']}"
        if path in self.objects:
            return 409, _exists(folder, body["metadata"]["name"])
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": f"uid-{self._version}", "generation": 1, "managedFields": []}
        self.admission(made)
        if fault := _fault(made, query):
            return fault["code"], fault
        _manage(made, query.get("fieldManager", "unknown"))
        if query.get("dryRun") != "All":
            self.objects[path] = made
            self.writes += 1
            self._bump(made)
        return 201, made

    def _review(self, body: Any) -> tuple[int, Any]:
        asked = body["spec"]["resourceAttributes"]
        denied, allowed = (one for one in answers("revert-forbidden") if one["kind"] == "SelfSubjectAccessReview")
        made = denied if (asked["verb"], asked["resource"]) in self.forbidden else allowed
        return 201, {**made, "spec": body["spec"]}

    def _slices(self, path: str, query: dict[str, str]) -> list[Object]:
        service = query["labelSelector"].removeprefix("kubernetes.io/service-name=")
        return self.slices.get((path.split("/")[5], service), [])

    def _add(self, version: str, resource: str, made: Object) -> str:
        path = f"/apis/{version}/namespaces/{made['metadata']['namespace']}/{resource}/{made['metadata']['name']}"
        self.objects[path] = made
        self._bump(made)
        return path

    def _bump(self, made: Object) -> None:
        self._version += 1
        made["metadata"]["resourceVersion"] = str(self._version)


def _parts(method: str, path: str) -> tuple[str, str, str, str]:
    """Group, resource, name and verb, as a role names them."""
    _, _, group, _, _, _, resource, *rest = path.split("/")
    verb = {"PUT": "update", "POST": "create"}.get(method, method.lower() if rest else "list")
    return group, resource, rest[0] if rest else "", verb


def _exists(folder: str, name: str) -> Object:
    group, resource, _, _ = _parts("GET", folder)
    message = f'{resource}.{group} "{name}" already exists'
    details = {"name": name, "group": group, "kind": resource}
    return {**refusal("revert-conflict", 409), "message": message, "reason": "AlreadyExists", "details": details}


def _ref(service: str, weight: int | None) -> Object:
    ref: Object = {"group": "", "kind": "Service", "name": service, "port": 8080}
    return ref if weight is None else {**ref, "weight": weight}


def _progressing(status: str, reason: str, at: str = "") -> Object:
    return {"type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": at or _now()}


def _manage(made: Object, manager: str) -> None:
    """Writes down who wrote the template last, and when."""
    part = {"Deployment": "f:template", "HTTPRoute": "f:rules"}.get(made["kind"], "f:ingress")
    fields: Object = {"f:spec": {part: {}}}
    entry = {"manager": manager, "operation": "Update", "time": _now(), "fieldsType": "FieldsV1", "fieldsV1": fields}
    others = [one for one in made["metadata"]["managedFields"] if one["manager"] != manager]
    made["metadata"]["managedFields"] = [*others, entry]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _fault(made: Object, query: dict[str, str]) -> Object | None:
    """Fills in what the server fills in, and says what it does not take."""
    if made["kind"] == "Deployment":
        for name, value in DEFAULTS.items():
            made["spec"]["template"]["spec"].setdefault(name, value)
        images = [container.get("image") for container in made["spec"]["template"]["spec"].get("containers", [])]
        name = made["metadata"]["name"]
        return None if images and all(images) else refusal("revert-invalid", 422, checkout=name)
    if made["kind"] == "NetworkPolicy":
        return fault_of_policy(made, strict=query.get("fieldValidation") == "Strict")
    weights = [ref.get("weight", 1) for rule in made["spec"]["rules"] for ref in rule["backendRefs"]]
    return None if all(0 <= weight <= 1_000_000 for weight in weights) else answers("httproute-weights")[-1]
